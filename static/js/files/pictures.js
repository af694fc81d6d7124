// Pictures in the tray: small drawings of files that the browser can decode, and JPEG from what other browsers cannot
// show. It draws on canvases, so that the page needs addresses of blobs for films only.

const HEIC = /\.hei[cf]$/i;
const QUALITY = 0.9;
const MAX_SIDE = 8_192; // of a canvas, on every device
const POSTER_SIDE = 1_280;
const POSTER_QUALITY = 0.8;
const POSTER_AT = 0.5; // seconds: the first picture is often black
const PATIENCE = 10_000;

/** @param {File} file */
const isHeic = ({ name, type }) => /^image\/hei[cf]/.test(type) || HEIC.test(name);

/**
 * Draws the picture so that it covers the canvas. False if the browser cannot decode it.
 * @param {Blob} file
 * @param {HTMLCanvasElement} canvas
 */
export async function drawPicture(file, canvas) {
  const { width, height } = canvas;
  const bitmap = await createImageBitmap(file, { resizeHeight: 2 * height }).catch(() => null);
  if (!bitmap) return false;
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [w, h] = [bitmap.width * scale, bitmap.height * scale];
  canvas.getContext('2d')?.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h);
  bitmap.close();
  return true;
}

/**
 * HEIC as JPEG where the browser can decode it, as Safari can. Any other file as it is.
 * @param {File} file
 */
export async function asShown(file) {
  if (!isHeic(file)) return file;
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return file;
  const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => {
    canvas.toBlob(resolve, 'image/jpeg', QUALITY);
  });
  if (!blob) return file;
  const name = `${file.name.replace(HEIC, '')}.jpg`;
  return new File([blob], name, { type: blob.type, lastModified: file.lastModified });
}

/**
 * @param {HTMLVideoElement} video
 * @param {string} name of an event
 * @param {AbortSignal} signal
 */
const happens = (video, name, signal) =>
  new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, { once: true });
    video.addEventListener('error', reject, { once: true });
    signal.addEventListener('abort', reject, { once: true });
    if (signal.aborted) reject(signal.reason);
  });

/**
 * A picture from the beginning of a film, as JPEG. Null if the browser cannot decode it.
 * @param {File} file
 * @returns {Promise<Blob | null>}
 */
export async function posterOf(file) {
  if (!file.type.startsWith('video/')) return null;
  const video = document.createElement('video');
  const source = URL.createObjectURL(file);
  const signal = AbortSignal.timeout(PATIENCE);
  Object.assign(video, { muted: true, playsInline: true, preload: 'auto', src: source });
  try {
    await happens(video, 'loadeddata', signal);
    const at = Math.min(POSTER_AT, (video.duration || 0) / 2);
    if (at > 0) {
      const sought = happens(video, 'seeked', signal);
      video.currentTime = at;
      await sought;
    }
    const scale = Math.min(1, POSTER_SIDE / Math.max(video.videoWidth, video.videoHeight));
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => {
      canvas.toBlob(resolve, 'image/jpeg', POSTER_QUALITY);
    });
  } catch {
    return null;
  } finally {
    video.removeAttribute('src');
    URL.revokeObjectURL(source);
  }
}
