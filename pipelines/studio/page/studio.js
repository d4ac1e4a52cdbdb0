// studio.js - the controls and the read-out. All viewers share the settings: another viewer's
// changes move the controls here, too.
import {Streams} from '/streams.js';

const $ = (id) => document.getElementById(id);
const RATES = [0.1, 0.2, 0.5, 1, 2, 3, 5, 8, 12, 20, 30];

let model;
let paused = false;
let posting = 0;
let picture = null;

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

function showValues() {
  $('steps-value').textContent = model['drafting-steps'][$('drafting-steps').value];
  $('guidance-value').textContent = Number($('guidance').value).toFixed(1);
  $('rate-value').textContent = RATES[$('rate').value];
  $('drafting-steps').setAttribute('aria-valuetext', $('steps-value').textContent);
  $('rate').setAttribute('aria-valuetext', $('rate-value').textContent);
}

// Do not move a control that the user is holding.
const idle = (id) => document.activeElement !== $(id) || $(id).type === 'checkbox';

function showSettings(settings) {
  if (posting) {
    return;
  }
  if (idle('class-id')) {
    $('class-id').value = settings['class-id'];
  }
  if (idle('seed')) {
    $('seed').value = settings.seed;
  }
  if (idle('drafting-steps')) {
    $('drafting-steps').value = model['drafting-steps'].indexOf(settings['drafting-steps']);
  }
  if (idle('guidance')) {
    $('guidance').value = settings.guidance;
  }
  if (idle('rate')) {
    $('rate').value = nearest(RATES, settings.rate);
  }
  $('progressive').checked = settings.progressive;
  showValues();
}

async function change(settings) {
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

function bindControls() {
  const read = {
    'class-id': () => ({class: $('class-id').value === '-1' ? null : Number($('class-id').value)}),
    'drafting-steps': () => {
      return {'drafting-steps': model['drafting-steps'][$('drafting-steps').value]};
    },
    guidance: () => ({guidance: Number($('guidance').value)}),
    rate: () => ({rate: RATES[$('rate').value]}),
    progressive: () => ({progressive: $('progressive').checked}),
  };
  for (const [id, settings] of Object.entries(read)) {
    $(id).addEventListener('change', () => change(settings()));
    $(id).addEventListener('input', showValues);
  }
  $('seed').addEventListener('change', () => {
    if ($('seed').validity.valid) {
      change({seed: Number($('seed').value)});
    } else {
      setProblem('The seed is a whole number from 0 to ' + model.limits.seed + '.');
    }
  });
  $('new-seed').addEventListener('click', () => {
    $('seed').value = Math.floor(Math.random() * 1e6);
    change({seed: Number($('seed').value)});
  });
  $('controls').addEventListener('submit', (event) => event.preventDefault());
}

function fillControls() {
  const any = [-1, 'Any: another for each picture'];
  const options = [any].concat(model.classes.map((name, id) => [id, name]));
  $('class-id').replaceChildren(...options.map(([id, name]) => new Option(name, id)));
  $('drafting-steps').max = model['drafting-steps'].length - 1;
  $('seed').max = model.limits.seed;
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

function showPicture(made, rate) {
  picture = made;
  $('class').textContent = made['class-name'] || 'Class ' + made['class-id'];
  $('made-seed').textContent = made.seed;
  $('made-frame').textContent = made.frame;
  $('made-steps').textContent = made['drafting-steps'];
  $('made-scale').textContent = made.scale + ' of ' + made.scales;
  $('image').alt = $('class').textContent;
  $('video').setAttribute('aria-label', $('class').textContent);
  $('again').textContent = `code-image --class ${made['class-id']} --seed ${made.seed}` +
    ` --frame ${made.frame} --drafting-steps ${made['drafting-steps']}` +
    ` --guidance ${made.guidance} --output picture.png`;
}

function showPerformance(performance, state) {
  const stages = ['drafter', 'refiner', 'vae'], speed = performance['pictures-per-second'];

  $('per-second').textContent = speed ? speed.toFixed(1) : '–';
  $('per-picture').textContent = milliseconds(performance.seconds);
  $('memory').textContent = megabytes(performance['planned-bytes']);
  stages.forEach((stage, i) => {
    $(stage).textContent = milliseconds(performance['seconds-' + stage]);
    $('stages').children[i].style.flexGrow = 1000 * performance['seconds-' + stage] || 0;
  });
  $('machine').textContent = `${performance.device}, ${performance.precision}, ` +
    `${performance.threads} threads; ` +
    `${megabytes(performance['weight-bytes'])} MB of the memory are weights; ` +
    `${performance.processed} frames drawn, ${performance.dropped} passed over; ` +
    `${state.pages} watching`;
}

function showState(state) {
  showSettings(state.settings);
  if (state.picture) {
    showPicture(state.picture);
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
  playing: (transport) => {
    setStatus('playing', 'Playing over ' + transport);
    setShow('playing', '');
  },
  state: showState,
  problem: setProblem,
});

function follow() {
  if (paused || document.visibilityState === 'hidden') {
    streams.still();
    setStatus('waiting', 'Paused');
    setShow('paused', 'Paused');
  } else {
    setShow('waiting', 'Waiting for the first picture');
    streams.open();
  }
}

$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', paused);
  follow();
});
$('transport').addEventListener('change', () => streams.choose($('transport').value));
document.addEventListener('visibilitychange', follow);

async function start() {
  try {
    model = await (await fetch('/model')).json();
  } catch {
    setStatus('lost', 'Connection lost');
    setTimeout(start, 2000);
    return;
  }
  fillControls();
  bindControls();
  streams.transport = $('transport').value;
  follow();
}

start();
