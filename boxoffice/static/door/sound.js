// Sounds and shaking, made here: a high pair for yes, a low buzz for no, one note for what is neither.

const TONES = {
  good: { type: "sine", notes: [[880, 0, 0.09], [1320, 0.1, 0.16]], shake: [60] },
  bad: { type: "sawtooth", notes: [[196, 0, 0.18], [147, 0.22, 0.32]], shake: [180, 80, 180] },
  wait: { type: "triangle", notes: [[440, 0, 0.12], [440, 0.2, 0.12]], shake: [90, 60, 90] },
  plain: { type: "sine", notes: [[660, 0, 0.12]], shake: [40] },
};
const VOLUME = 0.5;

let context;
let isOn = true;

/** Browsers let a page sound only after somebody touched it. */
export function wakeSound() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume().catch(() => {});
}

export function setSound(on) {
  isOn = on;
}

/** Plays a tone and shakes the phone where it can. */
export function play(tone) {
  const { type, notes, shake } = TONES[tone];
  navigator.vibrate?.(shake);
  if (!isOn || context?.state !== "running") return;
  for (const [frequency, after, long] of notes) note(type, frequency, context.currentTime + after, long);
}

function note(type, frequency, at, long) {
  const tone = new OscillatorNode(context, { type, frequency });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(VOLUME, at + 0.01);
  gain.gain.setValueAtTime(VOLUME, at + long - 0.03);
  gain.gain.linearRampToValueAtTime(0, at + long);
  tone.connect(gain).connect(context.destination);
  tone.start(at);
  tone.stop(at + long);
}
