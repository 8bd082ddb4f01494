/**
 * Reads codes with the camera or from a picture, on this device: BarcodeDetector on zxing-wasm, both self-hosted.
 *
 * <div data-scan="ID"> holds a button [data-camera], an input[type=file] and a <video>; what is read goes into
 * the field with that id, and its form is sent. Without a camera, or without https, the picture remains.
 */

import { BarcodeDetector, prepareZXingModule } from "barcode-detector/ponyfill";

const FRAME_MS = 120;

prepareZXingModule({
  overrides: { locateFile: (file) => (file.endsWith(".wasm") ? `/static/js/${file}` : file) },
});

/** The reader is loaded when it is first needed: it is a megabyte. */
let reader = null;
const detect = (source) => {
  reader ??= new BarcodeDetector({ formats: ["qr_code", "code_128"] });
  return reader.detect(source).catch(() => []);
};

for (const place of document.querySelectorAll("[data-scan]")) equip(place);

function equip(place) {
  const button = place.querySelector("[data-camera]");
  const says = place.querySelector("[data-says]");
  if (navigator.mediaDevices?.getUserMedia) {
    button.hidden = false;
    button.addEventListener("click", () => film(place, says).catch(() => refused(says)));
  }
  place.querySelector("input[type=file]").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (!file) return;
    const [code] = await detect(file);
    if (code) take(place, code.rawValue);
    else says.textContent = "No code can be read in this picture. Take it from nearer, sharp, without glare.";
  });
}

async function film(place, says) {
  const video = place.querySelector("video");
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  video.srcObject = stream;
  video.hidden = false;
  says.textContent = "Hold the code in front of the camera.";
  await video.play();
  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
    video.hidden = true;
  };
  addEventListener("pagehide", stop, { once: true });
  const look = async () => {
    const [code] = await detect(video);
    if (!code) return setTimeout(look, FRAME_MS);
    stop();
    take(place, code.rawValue);
  };
  look();
}

function refused(says) {
  says.textContent = "The camera cannot be used here. Choose a picture of the code, or type it.";
}

function take(place, text) {
  const field = document.getElementById(place.dataset.scan);
  field.value = text;
  field.form.requestSubmit();
}
