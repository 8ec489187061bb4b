// Reads QR codes off the camera: by the browser's own BarcodeDetector, else by zxing-wasm, which we serve.

const EVERY_MS = 80;
const LONGEST_SIDE = 960;

/** Why there is no picture, in a sentence that says what to do; null when there may be one. */
export function missing() {
  if (!isSecureContext) {
    return "The camera needs an https address: this one is not secure. On a network of your own: make run HTTPS=1.";
  }
  return navigator.mediaDevices?.getUserMedia ? null : "This browser has no way to the camera. Type codes, or use another browser.";
}

const REFUSALS = {
  NotAllowedError: "The camera was refused. Allow it for this site in the browser's settings, then try again.",
  NotFoundError: "No camera was found on this device. Type codes, or plug in a scanner that types.",
  NotReadableError: "Another app uses the camera. Close it, then try again.",
};

export class Camera {
  #video;
  #reader;
  #onRead;
  #onEnd;
  #picture;
  #track = null;
  #detect = null;
  #run = 0;

  /** `video`: where the picture is shown; `reader`: {script, wasm}, where the fallback is served; `picture`: which code is
   * scanned; `onRead(text)`; `onEnd()`: the picture stands still, since the camera was taken away. */
  constructor(video, reader, picture, onRead, onEnd) {
    this.#video = video;
    this.#reader = reader;
    this.#picture = picture;
    this.#onRead = onRead;
    this.#onEnd = onEnd;
  }

  /** Starts reading. Raises an Error whose message is for people. */
  async start() {
    const why = missing();
    if (why) throw new Error(why);
    const run = ++this.#run;
    this.stop();
    this.#run = run;
    const wanted = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
    let stream;
    try {
      [stream, this.#detect] = await Promise.all([
        navigator.mediaDevices.getUserMedia({ video: wanted, audio: false }),
        this.#detect ?? detector(this.#reader),
      ]);
    } catch (error) {
      throw new Error(REFUSALS[error.name] ?? `The camera does not start: ${error.message}`);
    }
    if (run !== this.#run) return stream.getTracks().forEach((track) => track.stop()); // stopped meanwhile
    this.#track = stream.getVideoTracks()[0];
    this.#track.addEventListener("ended", () => this.#ended(run));
    this.#video.srcObject = stream;
    try {
      await this.#video.play();
    } catch (error) {
      if (run === this.#run) throw new Error(`The camera does not start: ${error.message}`);
      return undefined; // stopped meanwhile
    }
    this.#look(run);
    return undefined;
  }

  stop() {
    this.#run++;
    this.#track?.stop();
    this.#track = null;
    this.#video.srcObject = null;
  }

  get isRunning() {
    return this.#track?.readyState === "live";
  }

  get hasTorch() {
    return Boolean(this.#track?.getCapabilities?.().torch);
  }

  async setTorch(on) {
    await this.#track?.applyConstraints({ advanced: [{ torch: on }] });
  }

  #ended(run) {
    if (run !== this.#run) return;
    this.stop();
    this.#onEnd();
  }

  async #look(run) {
    while (run === this.#run) {
      try {
        if (this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.#found(await this.#detect(this.#video));
      } catch {
        // a frame that came while the picture turned: the next one is soon there
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  #found(texts) {
    const text = this.#picture.next(texts, performance.now());
    if (text !== null) this.#onRead(text);
  }
}

/** A function from a video to the texts of the QR codes in its picture. */
async function detector(reader) {
  const own = await ownDetector();
  if (own) return async (video) => (await own.detect(video)).map((code) => code.rawValue).filter(Boolean);
  if (!reader.script) throw new Error("this browser reads no QR codes, and the reader of ours was not built.");
  const zxing = await loaded(reader);
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
    const found = await zxing.readBarcodes(picture, { formats: ["QRCode"], maxNumberOfSymbols: 2 });
    return found.map((code) => code.text).filter(Boolean);
  };
}

async function ownDetector() {
  try {
    const formats = (await globalThis.BarcodeDetector?.getSupportedFormats()) ?? [];
    return formats.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
  } catch {
    return null;
  }
}

/** Our copy of zxing-wasm; it would ask a CDN for its WASM unless told where it is. */
async function loaded({ script, wasm }) {
  await new Promise((resolve, reject) => {
    const tag = Object.assign(document.createElement("script"), { src: script, onload: resolve });
    tag.onerror = () => reject(new Error("the reader of QR codes could not be fetched."));
    document.head.append(tag);
  });
  await globalThis.ZXingWASM.prepareZXingModule({
    overrides: { locateFile: (path, prefix) => (path.endsWith(".wasm") ? wasm : prefix + path) },
    fireImmediately: true,
  });
  return globalThis.ZXingWASM;
}
