// keep.js - one picture, kept: held, stepped through, downloaded, linked to, shown among the recent
// ones. The studio draws it again on request, so it is exact whatever came over the stream.

const $ = (id) => document.getElementById(id);
const RECENT = 12; // pictures in the strip
const EVERY = 500; // ms between two of them, at least

// What draws a picture again, from what the studio says about it: the keys of /picture.png.
export function recipeOf(made) {
  // Pictures of two classes follow each other if each has a class by chance, that of its number.
  return {
    class: made.t > 0 && made['next-class-id'] !== made['class-id'] ? null : made['class-id'],
    'class-2': made['class-id-2'] >= 0 ? made['class-id-2'] : null,
    'class-mix': made['class-mix'],
    seed: made.seed,
    frame: made.frame,
    'drafting-steps': made['drafting-steps'],
    guidance: made.guidance,
    'top-k': made['top-k'],
    'top-p': made['top-p'],
    temperature: made.temperature >= 0 ? made.temperature : null,
    'more-smooth': made['more-smooth'],
    ...variationOf(made),
    ...momentOf(made),
  };
}

function variationOf(made) {
  return made['keep-scales'] >= 0
    ? {'keep-scales': made['keep-scales'], variation: made.variation} : {'keep-scales': null};
}

// Of a frame on the way from a picture to the next; at the end of a loop, where the next one is the
// first, the picture stands for the way. The stream begins with picture 0.
function momentOf(made) {
  const from = made['keep-scales'] >= 0 ? made.variation : made.frame;
  return made.t > 0 && from + 1 !== made.loop
    ? {hold: made.hold, morph: made.morph, phase: made.phase % (made.hold + made.morph)}
    : {hold: 1, morph: 0};
}

// Options of code-image, by codesrc's properties.
const OPTIONS = {
  model: 'model', device: 'device', precision: 'precision', 'class-id': 'class',
  'class-id-2': 'class-2', 'class-mix': 'mix', seed: 'seed', 'drafting-steps': 'drafting-steps',
  'top-k': 'top-k', 'top-p': 'top-p', temperature: 'temperature', guidance: 'guidance',
};

// The properties in the launch line, as a shell takes them.
function propertiesOf(line) {
  const property = / ([a-z0-9-]+)=("(?:\\.|[^"\\])*"|[^" ]+)/y, properties = {};
  property.lastIndex = 'gst-launch-1.0 codesrc'.length;
  for (let found; (found = property.exec(line));) {
    properties[found[1]] = found[2];
  }
  return properties;
}

// The command that draws a picture again: code-image, which draws neither variations nor a frame on
// the way from a picture to the next.
export function commandOf(made) {
  const properties = propertiesOf(made['launch-line']);
  if (made.t > 0 || made['keep-scales'] >= 0) {
    return made['launch-line'];
  }
  if (properties['class-id-2']) {
    properties['class-mix'] ??= 0; // of codesrc; that of code-image is another
  } else {
    delete properties['class-mix'];
  }
  const options = Object.entries(OPTIONS).filter(([property]) => property in properties)
    .map(([property, option]) => `--${option} ${properties[property]}`);
  // A film's line begins with its first picture.
  return `code-image ${options.join(' ')} --frame ${made.frame}` +
    `${made['more-smooth'] ? ' --more-smooth' : ''} --output picture.png`;
}

// As part of an address: each value as JSON, in which a class's name may have any character.
function queryOf(recipe) {
  const pairs = Object.entries(recipe).filter(([, value]) => value !== undefined);
  return pairs.map(([key, value]) => `${key}=${encodeURIComponent(JSON.stringify(value))}`)
    .join('&');
}

// The recipe in the address of this page; null: it has none.
export function recipeInAddress() {
  const recipe = {};
  for (const [key, text] of new URLSearchParams(location.hash.slice(1))) {
    try {
      recipe[key] = JSON.parse(text);
    } catch {
      recipe[key] = text; // the name of a class
    }
  }
  return Number.isInteger(recipe.frame) ? recipe : null;
}

async function fetchPicture(address) {
  const answer = await fetch(address);
  if (!answer.ok) {
    throw new Error((await answer.json()).error);
  }
  return {
    made: JSON.parse(answer.headers.get('X-Picture')),
    url: URL.createObjectURL(await answer.blob()),
  };
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers have no clipboard for pages that came over a network without TLS.
    const area = document.body.appendChild(document.createElement('textarea'));
    area.value = text;
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  toast(what + ' copied');
}

function toast(text) {
  $('toast').textContent = text;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => ($('toast').textContent = ''), 4000);
}

export class Keep {
  // tell: {current(): the recipe of the stream's picture or null, made(): what is shown,
  //   held(made): a held picture is shown, drawing(frame), failed(text), released()}
  constructor(tell) {
    this.tell = tell;
    this.recipe = null; // of the held picture
    this.shown = null;
    this.drawing = false;
    this.noted = 0;
    $('hold').addEventListener('click', () => this.toggle());
    $('previous').addEventListener('click', () => this.step(-1));
    $('next').addEventListener('click', () => this.step(1));
    $('download').addEventListener('click', () => this.download());
    $('copy-link').addEventListener('click', () => this.copyLink());
    $('copy-line').addEventListener('click', () => this.copyLine());
    $('full').addEventListener('click', () => this.full());
    $('help-open').addEventListener('click', () => $('help').showModal());
    addEventListener('keydown', (event) => this.press(event));
    addEventListener('hashchange', () => this.followAddress());
  }

  // ---- holding ----

  hold(recipe) {
    if (recipe) {
      this.recipe = recipe;
      $('hold').setAttribute('aria-pressed', 'true');
      $('hold').textContent = 'Go on';
      this.draw();
    }
  }

  release() {
    this.recipe = null;
    $('hold').setAttribute('aria-pressed', 'false');
    $('hold').textContent = 'Hold';
    history.replaceState(null, '', location.pathname);
    this.tell.released();
  }

  toggle() {
    if (this.recipe) {
      this.release();
    } else {
      this.hold(this.tell.current());
    }
  }

  step(by) {
    const recipe = this.recipe || this.tell.current();
    const step = recipe && recipe['keep-scales'] !== null && recipe['keep-scales'] !== undefined
      ? 'variation' : 'frame';
    if (recipe && (recipe[step] ?? 0) + by >= 0) {
      this.hold({...recipe, [step]: (recipe[step] ?? 0) + by, hold: 1, morph: 0, phase: 0});
    }
  }

  // Other settings for the held picture.
  change(settings) {
    const {progressive, rate, hold, morph, loop, ...drawn} = settings;
    if (this.recipe && Object.keys(drawn).length) {
      this.hold({...this.recipe, ...drawn});
    }
  }

  followAddress() {
    const recipe = recipeInAddress();
    if (recipe && (!this.recipe || queryOf(recipe) !== queryOf(this.recipe))) {
      this.hold(recipe);
    }
  }

  // Of several wishes while one is drawn, the last counts.
  async draw() {
    if (this.drawing) {
      return;
    }
    this.drawing = true;
    for (let drawn = null; this.recipe && drawn !== this.recipe;) {
      drawn = this.recipe;
      await this.tell.drawing(drawn.frame);
      try {
        const picture = await fetchPicture('/picture.png?' + queryOf(drawn));
        if (this.recipe === drawn) {
          this.show(picture);
        }
      } catch (error) {
        this.tell.failed(error.message);
      }
    }
    this.drawing = false;
  }

  show(picture) {
    if (this.shown) {
      URL.revokeObjectURL(this.shown.url);
    }
    this.shown = picture;
    history.replaceState(null, '', '#' + queryOf(this.recipe));
    this.tell.held(picture);
  }

  // ---- taking away ----

  async download() {
    const recipe = this.recipe || this.tell.current();
    if (!recipe) {
      return;
    }
    try {
      const {made, url} = await fetchPicture('/picture.png?' + queryOf(recipe));
      const link = document.createElement('a'), name = made['class-name'] || 'picture';
      link.href = url;
      link.download = `${name.replace(/\W+/g, '-')}-seed-${made.seed}-frame-${made.frame}.png`;
      link.click();
      toast(link.download + ' downloaded');
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    } catch (error) {
      toast(error.message);
    }
  }

  copyLink() {
    const made = this.tell.made();
    if (made) {
      copy(`${location.origin}/#${queryOf(recipeOf(made))}`, 'Link');
    }
  }

  copyLine() {
    const made = this.tell.made();
    if (made) {
      copy(made['launch-line'], 'gst-launch line');
    }
  }

  full() {
    if (document.fullscreenElement) {
      document.exitFullscreen();
    } else {
      document.querySelector('.picture').requestFullscreen().catch((error) => toast(error.message));
    }
  }

  // ---- recent pictures ----

  // A finished picture has come. The studio sends it along with what it is.
  async note() {
    if (Date.now() - this.noted < EVERY) {
      return;
    }
    this.noted = Date.now();
    const {made, url} = await fetchPicture('/picture.jpg').catch(() => ({made: null}));
    const key = made && queryOf(recipeOf(made));
    if (!made || made.scale !== made.scales || $('recent').firstChild?.dataset.key === key) {
      URL.revokeObjectURL(url);
      return;
    }
    const item = document.createElement('li'), button = document.createElement('button');
    const image = new Image(64, 64);
    item.dataset.key = key;
    button.type = 'button';
    button.title = `${made['class-name']}, seed ${made.seed}, frame ${made.frame}`;
    button.addEventListener('click', () => this.hold(recipeOf(made)));
    image.src = url;
    image.alt = button.title;
    button.append(image);
    item.append(button);
    $('recent').prepend(item);
    while ($('recent').children.length > RECENT) {
      URL.revokeObjectURL($('recent').lastChild.querySelector('img').src);
      $('recent').lastChild.remove();
    }
  }

  // ---- keys ----

  press(event) {
    const keys = {
      ' ': () => this.toggle(),
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      d: () => this.download(),
      f: () => this.full(),
      '?': () => $('help').showModal(),
    };
    const own = event.key === ' ' ? 'input, select, button, summary, a' : 'input, select';
    if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey &&
        !$('help').open && !event.target.matches(own)) {
      event.preventDefault();
      keys[event.key]();
    }
  }
}
