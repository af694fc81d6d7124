// Pictures in the tray: small drawings of files that the browser can decode, and JPEG from what other browsers cannot
// show. It draws on canvases, so the page needs no addresses of blobs.

const HEIC = /\.hei[cf]$/i;
const QUALITY = 0.9;
const MAX_SIDE = 8_192; // of a canvas, on every device

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
