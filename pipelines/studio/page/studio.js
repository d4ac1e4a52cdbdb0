// studio.js - the controls and the read-out. All viewers share the settings: another viewer's
// changes move the controls here, too.
import {commandOf, Keep, recipeInAddress, recipeOf} from '/keep.js';
import {Streams} from '/streams.js';

const $ = (id) => document.getElementById(id);
const FILM_RATE = 25; // frames a second
const RATES = [0.1, 0.2, 0.5, 1, 2, 3, 5, 8, 12, 20, 30];

let model;
let posting = 0;
let settings = null; // as all viewers share them
let picture = null; // how the one on screen was made

function setStatus(state, text) {
  if ($('status').dataset.state !== state || $('status').textContent !== text) {
    $('status').dataset.state = state;
    $('status').textContent = text;
  }
}

function setShow(state, notice) {
  $('show').dataset.state = state;
  $('notice').textContent = notice;
}

function setProblem(text) {
  $('problem').hidden = !text;
  $('problem').textContent = text || '';
}

// ---- controls ----

// A range over a list: of the drafting steps that the model offers, of rates.
const nearest = (list, value) =>
  list.reduce((best, x, i) => (Math.abs(x - value) < Math.abs(list[best] - value) ? i : best), 0);

const seconds = (id) => `${(Number($(id).value) / FILM_RATE).toFixed(2)} s`;
const isFilm = (shown) =>
  !shown.progressive && (shown.hold > 1 || shown.morph > 0 || shown.loop > 0);

// As the controls stand.
const film = () => isFilm({progressive: $('progressive').checked, loop: Number($('loop').value),
  hold: Number($('hold-frames').value), morph: Number($('morph').value)});

function showValues() {
  $('hold-value').textContent = film() ? seconds('hold-frames') : 'until the next comes';
  $('morph-value').textContent = Number($('morph').value) ? seconds('morph') : 'at once';
  $('keep-value').textContent =
    Number($('keep-scales').value) < 0 ? 'none' : $('keep-scales').value;
  $('steps-value').textContent = model['drafting-steps'][$('drafting-steps').value];
  $('guidance-value').textContent = Number($('guidance').value).toFixed(1);
  $('rate-value').textContent = RATES[$('rate').value];
  $('mix-value').textContent = Number($('class-mix').value).toFixed(2);
  $('top-p-value').textContent = Number($('top-p').value).toFixed(2);
  $('temperature-value').textContent =
    Number($('temperature').value) ? Number($('temperature').value).toFixed(2) : 'the model’s';
  $('drafting-steps').setAttribute('aria-valuetext', $('steps-value').textContent);
  $('rate').setAttribute('aria-valuetext', $('rate-value').textContent);
}

// Do not move a control that the user is holding.
const idle = (id) => document.activeElement !== $(id) || $(id).type === 'checkbox';

function showSettings(shown) {
  const values = {
    'class-id': shown['class-id'],
    'class-id-2': shown['class-id-2'],
    'class-mix': shown['class-mix'],
    seed: shown.seed,
    'drafting-steps': model['drafting-steps'].indexOf(shown['drafting-steps']),
    guidance: shown.guidance,
    'top-k': shown['top-k'],
    'top-p': shown['top-p'],
    temperature: shown.temperature || 0,
    rate: nearest(RATES, shown.rate),
    'hold-frames': shown.hold,
    morph: shown.morph,
    loop: shown.loop,
    'keep-scales': shown['keep-scales'] ?? -1,
  };

  if (posting) {
    return;
  }
  for (const [id, value] of Object.entries(values)) {
    if (idle(id)) {
      // Programs may set more than the page offers.
      if ($(id).type === 'range' && value > Number($(id).max)) {
        $(id).max = value;
      }
      $(id).value = value;
    }
  }
  $('rate').disabled = isFilm(shown);
  $('progressive').checked = shown.progressive;
  $('more-smooth').checked = shown['more-smooth'];
  showValues();
  if (idle('rate')) { // it may be none of the list
    $('rate-value').textContent = shown.rate;
  }
}

// A held picture changes too, and what all viewers share changes with it.
async function change(settings) {
  keep.change(settings);
  posting++;
  try {
    const answer = await fetch('/settings', {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: JSON.stringify(settings),
    });
    setProblem(answer.ok ? '' : (await answer.json()).error);
  } catch {
    setProblem('The change did not arrive: there is no connection.');
  }
  posting--;
}

const classOf = (id) => ($(id).value === '-1' ? null : Number($(id).value));

// A field for a whole number.
function bindNumber(id, name, most) {
  $(id).addEventListener('change', () => {
    if ($(id).validity.valid) {
      change({[id]: Number($(id).value)});
    } else {
      setProblem(`The ${name} is a whole number from 0 to ${most}.`);
    }
  });
}

function bindControls() {
  const read = {
    'class-id': () => ({class: classOf('class-id')}),
    'class-id-2': () => ({'class-2': classOf('class-id-2')}),
    'class-mix': () => ({'class-mix': Number($('class-mix').value)}),
    'top-p': () => ({'top-p': Number($('top-p').value)}),
    temperature: () => ({temperature: Number($('temperature').value) || null}),
    'more-smooth': () => ({'more-smooth': $('more-smooth').checked}),
    'drafting-steps': () => {
      return {'drafting-steps': model['drafting-steps'][$('drafting-steps').value]};
    },
    guidance: () => ({guidance: Number($('guidance').value)}),
    rate: () => ({rate: RATES[$('rate').value]}),
    'hold-frames': () => ({hold: Number($('hold-frames').value)}),
    morph: () => ({morph: Number($('morph').value)}),
    'keep-scales': () => {
      const kept = Number($('keep-scales').value);
      return {'keep-scales': kept < 0 ? null : kept};
    },
    progressive: () => ({progressive: $('progressive').checked}),
  };
  for (const [id, settings] of Object.entries(read)) {
    $(id).addEventListener('change', () => change(settings()));
    $(id).addEventListener('input', showValues);
  }
  bindNumber('seed', 'seed', model.limits.seed);
  bindNumber('top-k', 'top-k', $('top-k').max);
  bindNumber('loop', 'loop', model.limits.motion);
  $('new-seed').addEventListener('click', () => {
    $('seed').value = Math.floor(Math.random() * 1e6);
    change({seed: Number($('seed').value)});
  });
  $('controls').addEventListener('submit', (event) => event.preventDefault());
}

function fillControls() {
  const any = [-1, 'Any: another for each picture'];
  const classes = model.classes.map((name, id) => [id, name]);
  const options = (list) => list.map(([id, name]) => new Option(name, id));
  $('class-id').replaceChildren(...options([any, ...classes]));
  $('class-id-2').replaceChildren(...options([[-1, 'None'], ...classes]));
  $('top-k').max = 2147483647;
  $('drafting-steps').max = model['drafting-steps'].length - 1;
  $('seed').max = model.limits.seed;
  for (const id of ['hold-frames', 'morph', 'loop']) {
    $(id).max = model.limits.motion;
  }
  $('keep-scales').max = model.scales;
  $('rate').max = RATES.length - 1;
  $('model').textContent = [model.name, model.description].filter(Boolean).join(': ');
  if (!model.webrtc) {
    $('transport').value = 'jpeg';
    for (const option of $('transport').querySelectorAll('option:not([value=jpeg])'))
      option.disabled = true;
  }
}

// ---- the read-out ----

const milliseconds = (seconds) => (seconds === null ? '–' : Math.round(1000 * seconds));
const megabytes = (bytes) => (bytes === null ? '–' : Math.round(bytes / 1e6));

function showPicture(made) {
  picture = made;
  $('class').textContent = made['class-name'] || 'Class ' + made['class-id'];
  $('made-seed').textContent = made.seed;
  $('made-frame').textContent =
    made.frame + (made['keep-scales'] >= 0 ? `, variation ${made.variation}` : '');
  $('made-steps').textContent = made['drafting-steps'];
  $('made-scale').textContent = made.scale + ' of ' + made.scales;
  $('image').alt = $('class').textContent;
  $('video').setAttribute('aria-label', $('class').textContent);
  $('again').textContent = commandOf(made);
}

function showPerformance(performance, state) {
  const stages = ['drafter', 'refiner', 'vae'], speed = performance['pictures-per-second'];
  const known = stages.map((stage) => performance['seconds-' + stage]);
  // Coarse to fine, a picture is decoded after each of the earlier scales, too.
  const rest = performance.seconds &&
    Math.max(0, known.reduce((left, x) => left - x, performance.seconds));
  const parts = [...known, rest].map(milliseconds);

  $('per-second').textContent = speed ? speed.toFixed(1) : '–';
  // The sum of what is shown, which is rounded.
  $('per-picture').textContent = rest === null ? '–' : parts.reduce((sum, x) => sum + x);
  $('per-picture-name').textContent = isFilm(state.settings) ? 'ms a frame' : 'ms a picture';
  $('rest').textContent = parts[3];
  $('rest-name').textContent = state.settings.progressive ? 'Coarse pictures' : 'Other';
  $('stages').children[3].style.flexGrow = parts[3] || 0;
  $('memory').textContent = megabytes(performance['planned-bytes']);
  stages.forEach((stage, i) => {
    $(stage).textContent = parts[i];
    $('stages').children[i].style.flexGrow = parts[i] || 0;
  });
  $('machine').textContent = `${performance.device}, ${performance.precision}, ` +
    `${performance.threads} threads; ` +
    `${megabytes(performance['weight-bytes'])} MB of the memory are weights; ` +
    `${performance.processed} frames drawn, ${performance.dropped} passed over, ` +
    `${performance.repeated} shown again; ` +
    `${state.pages} watching`;
}

function showState(state) {
  const number = picture && [picture.frame, picture.variation].join();
  settings = state.settings;
  showSettings(settings);
  if (state.picture) {
    showPicture(state.picture);
    if (picture.scale === picture.scales && [picture.frame, picture.variation].join() !== number) {
      keep.note();
    }
  }
  if (state.performance.device) {
    showPerformance(state.performance, state);
  }
  if (state.failure) {
    setStatus('lost', 'Nothing is drawn');
    setShow('lost', state.failure);
  } else if ($('status').textContent === 'Nothing is drawn') {
    streams.open();
  }
}

// ---- the connection ----

const streams = new Streams($('video'), $('image'), {
  connected: () => {
    setStatus('waiting', 'Connected');
    setProblem('');
  },
  lost: () => {
    setStatus('lost', 'Connection lost');
    setShow('lost', 'The connection is lost. Trying again.');
  },
  playing: (transport, reason) => {
    setStatus('playing', 'Playing over ' + transport);
    setShow('playing', '');
    $('transport-why').textContent = reason;
  },
  state: showState,
  problem: setProblem,
});

// What the stream shows. A picture of a random class steps through random classes.
function current() {
  return picture && {
    ...recipeOf(picture),
    class: settings['class-id'] === -1 ? null : picture['class-id'],
  };
}

const keep = new Keep({
  current,
  made: () => picture,
  drawing: async (frame) => {
    await streams.freeze(() => keep.recipe);
    if (keep.recipe) {
      setStatus('waiting', 'Drawing frame ' + frame);
    }
  },
  held: ({made, url}) => {
    streams.showStill(url);
    showPicture(made);
    showSettings({...settings, ...made, 'class-id': keep.recipe.class ?? -1,
      hold: settings.hold, morph: settings.morph, loop: settings.loop,
      'keep-scales': keep.recipe['keep-scales'] ?? null,
      temperature: Math.max(0, made.temperature)});
    setStatus('held', `Frame ${made.frame} held`);
    setShow('held', '');
  },
  failed: (text) => {
    setStatus('lost', 'Nothing is drawn');
    setShow('lost', text);
  },
  released: () => follow(),
});

function follow() {
  if (keep.recipe) {
    return;
  }
  if (document.visibilityState === 'hidden') {
    streams.still();
    setStatus('waiting', 'Paused');
    setShow('paused', 'Paused');
  } else {
    setShow('waiting', 'Waiting for the first picture');
    streams.open();
  }
}

$('transport').addEventListener('change', () => streams.choose($('transport').value));
document.addEventListener('visibilitychange', follow);

async function start() {
  try {
    model = await (await fetch('/model')).json();
    settings = await (await fetch('/settings')).json();
  } catch {
    setStatus('lost', 'Connection lost');
    setTimeout(start, 2000);
    return;
  }
  fillControls();
  bindControls();
  streams.transport = $('transport').value;
  streams.without = model.webrtc ? '' : 'this studio’s GStreamer has no WebRTC';
  keep.hold(recipeInAddress());
  follow();
}

start();
