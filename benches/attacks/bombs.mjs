// Decompression bombs: small files that claim large pictures, in every format, generated here.
import { crc32, deflateSync } from "node:zlib";

const zeros = (length) => Buffer.alloc(length);
const be32 = (...numbers) => Buffer.concat(numbers.map((number) => le32(number).reverse()));
const le16 = (...numbers) => Buffer.from(Uint16Array.from(numbers).buffer);
const be16 = (number) => le16(number).reverse();
const le32 = (number) => Buffer.from(Uint32Array.of(number).buffer);

/** A PNG with this header and this many zero bytes of pixels. */
function png(width, height, { depth = 8, color = 6, interlaced = false, pixels, text = 0 } = {}) {
  const channels = [1, 0, 3, 1, 2, 0, 4][color];
  const all = (Math.ceil((width * channels * depth) / 8) + 2) * height * (interlaced ? 2 : 1);
  const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind, "latin1"), data]);
    return Buffer.concat([be32(data.length), body, be32(crc32(body))]);
  };
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", Buffer.concat([be32(width, height), Buffer.of(depth, color, 0, 0, Number(interlaced))])),
    color === 3 ? chunk("PLTE", Buffer.of(1, 2, 3)) : zeros(0),
    text ? chunk("zTXt", Buffer.concat([Buffer.from("c\0\0"), deflateSync(zeros(text))])) : zeros(0),
    text ? chunk("iCCP", Buffer.concat([Buffer.from("c\0\0"), deflateSync(zeros(text))])) : zeros(0),
    chunk("IDAT", deflateSync(zeros(pixels ?? all), { level: 6 })),
    chunk("IEND", zeros(0)),
  ]);
}

/** A lossless WebP whose pixels take no bits at all. */
const lossless = (width, height) =>
  Buffer.concat([Buffer.of(0x2f), le32((((width - 1) & 0x3fff) | (((height - 1) & 0x3fff) << 14)) >>> 0), le32(0x00088888)]);
const riffChunk = (kind, data) =>
  Buffer.concat([Buffer.from(kind), le32(data.length), data, zeros(data.length % 2)]);
const riff = (chunks) => Buffer.concat([Buffer.from("RIFF"), le32(chunks.length + 4), Buffer.from("WEBP"), chunks]);
const three = (side) => le32(side - 1).subarray(0, 3);
const webp = (width, height) => riff(riffChunk("VP8L", lossless(width, height)));

function animatedWebp([width, height], frames) {
  const frame = ([w, h]) =>
    riffChunk("ANMF", Buffer.concat([zeros(6), three(w), three(h), Buffer.of(1, 0, 0, 0), riffChunk("VP8L", lossless(w, h))]));
  const head = riffChunk("VP8X", Buffer.concat([Buffer.of(2, 0, 0, 0), three(width), three(height)]));
  return riff(Buffer.concat([head, riffChunk("ANIM", zeros(6)), ...frames.map(frame)]));
}

/** LZW codes for a run of one color: each code stands for one pixel more than the previous one. */
function lzw(pixels) {
  const [clear, end] = [4, 5];
  const bytes = [];
  let [bits, held] = [0, 0];
  const put = (code, width) => {
    held |= code << bits;
    for (bits += width; bits >= 8; bits -= 8, held >>>= 8) bytes.push(held & 255);
  };
  while (pixels > 0) {
    put(clear, 3);
    let [next, width] = [6, 3];
    for (let run = 1; pixels > 0 && next < 4095; run++) {
      put(run === 1 ? 0 : next - 1, width);
      pixels -= run;
      if (run > 1 || next > 6) next += 1;
      else next = 7;
      if (next - 1 === 1 << width && width < 12) width += 1;
    }
  }
  put(end, 12);
  put(0, 8);
  return Buffer.from(bytes);
}

/** A GIF with a canvas and frames, which are complete or end after one pixel. */
function gif(canvas, frame, { frames = 1, whole = false } = {}) {
  const data = whole ? lzw(frame[0] * frame[1]) : Buffer.of(0x44, 0x01);
  const blocks = [];
  for (let at = 0; at < data.length; at += 255) {
    const block = data.subarray(at, at + 255);
    blocks.push(Buffer.of(block.length), block);
  }
  const one = Buffer.concat([Buffer.of(0x2c, 0, 0, 0, 0), le16(...frame), Buffer.of(0, 2), ...blocks, Buffer.of(0)]);
  const head = Buffer.concat([Buffer.from("GIF89a"), le16(...canvas), Buffer.of(0x80, 0, 0, 1, 2, 3, 4, 5, 6)]);
  return Buffer.concat([head, ...Array(frames).fill(one), Buffer.of(0x3b)]);
}

/** A JPEG whose blocks take one bit each. A progressive one may have any number of scans. */
function jpeg(width, height, { progressive = false, scans = 1, sampling = [0x11], segments = 0 } = {}) {
  const segment = (marker, data) => Buffer.concat([Buffer.of(0xff, marker), be16(data.length + 2), data]);
  const all = sampling.map((_, n) => n + 1);
  const frame = Buffer.concat([Buffer.of(8), be16(height), be16(width), Buffer.of(sampling.length)]
    .concat(sampling.map((factors, n) => Buffer.of(n + 1, factors, 0))));
  const table = (kind, symbol) => segment(0xc4, Buffer.concat([Buffer.of(kind, 1), zeros(15), Buffer.of(symbol)]));
  const scan = (components, [from, to]) => segment(0xda, Buffer.concat([Buffer.of(components.length),
    ...components.map((id) => Buffer.of(id, 0)), Buffer.of(from, to, 0)]));
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8) * sampling.length * 4;
  const run = bitsOf("011111111111111".repeat(Math.ceil(blocks / 32_767)));
  const more = Buffer.concat([scan([1], [1, 63]), run]);
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    ...Array(segments).fill(segment(0xfe, zeros(0))),
    segment(0xdb, Buffer.concat([Buffer.of(0), Buffer.alloc(64, 1)])),
    segment(progressive ? 0xc2 : 0xc0, frame),
    table(0x00, 0),
    table(0x10, 0),
    scan(all, progressive ? [0, 0] : [0, 63]),
    zeros(Math.ceil(blocks / (progressive ? 8 : 4))),
    table(0x10, 0xe0),
    ...Array(Math.max(scans - 1, 0)).fill(more),
    Buffer.of(0xff, 0xd9),
  ]);
}

function bitsOf(bits) {
  const bytes = bits.match(/.{1,8}/g).map((eight) => parseInt(eight.padEnd(8, "1"), 2));
  return Buffer.from(bytes.flatMap((byte) => (byte === 255 ? [255, 0] : [byte])));
}

const PHOTO = [0x22, 0x11, 0x11];

/** Bombs by name: the bytes, and whether the header is enough to refuse them (within a second). */
export function bombs() {
  const header = (bytes) => ({ bytes, byHeader: true });
  const inside = (bytes) => ({ bytes, byHeader: false });
  return {
    "PNG 1 × 20,000,000": header(png(1, 20_000_000, { depth: 1, color: 0 })),
    "PNG 1 × 5,000": header(png(1, 5_000, { depth: 1, color: 0 })),
    "PNG 5,000 × 1": header(png(5_000, 1)),
    "PNG 50,000 × 50,000, 1 bit": header(png(50_000, 50_000, { depth: 1, color: 0 })),
    "PNG 50,000 × 50,000, 16 bits, interlaced": header(png(50_000, 50_000, { depth: 16, interlaced: true, pixels: 64 })),
    "PNG 2³¹ × 2³¹": header(png(0x7fffffff, 0x7fffffff, { pixels: 64 })),
    "PNG 7,000 × 7,000 RGBA": header(png(7_000, 7_000)),
    "PNG 7,000 × 7,000, 16 bits": header(png(7_000, 7_000, { depth: 16, pixels: 1 << 28 })),
    "PNG 20,000 × 2,500 RGBA": header(png(20_000, 2_500)),
    "PNG 5,700 × 5,800 RGBA": inside(png(5_700, 5_800)),
    "PNG 5,700 × 5,800 RGBA, interlaced": inside(png(5_700, 5_800, { interlaced: true })),
    "PNG 4,000 × 4,100, 16 bits, interlaced": inside(png(4_000, 4_100, { depth: 16, interlaced: true })),
    "PNG 7,000 × 7,000, 1 bit, interlaced": inside(png(7_000, 7_000, { depth: 1, color: 0, interlaced: true })),
    "PNG 6,500 × 6,500, palette": inside(png(6_500, 6_500, { color: 3 })),
    "PNG 5,700 × 5,800, hardly a pixel": inside(png(5_700, 5_800, { pixels: 64 })),
    "PNG with 256 MB of text and colours": inside(png(640, 480, { text: 1 << 28 })),
    "PNG with 1 GB behind its pixels": inside(png(64, 64, { pixels: 1 << 30 })),
    "PNG cut in the middle": inside(png(4_000, 3_000).subarray(0, 20_000)),
    "GIF 65,535 × 65,535": header(gif([65_535, 65_535], [1, 1])),
    "GIF 8,000 × 8,000, 10,000 frames": header(gif([8_000, 8_000], [1, 1], { frames: 10_000 })),
    "GIF 1 × 65,535": header(gif([1, 65_535], [1, 65_535])),
    "GIF 10 × 10, frame of 65,535 × 65,535": inside(gif([10, 10], [65_535, 65_535])),
    "GIF 5,700 × 5,800, whole": inside(gif([5_700, 5_800], [5_700, 5_800], { whole: true })),
    "GIF 5,000 × 5,000, 10,000 frames": inside(gif([5_000, 5_000], [5_000, 5_000], { frames: 10_000 })),
    "GIF that is a script": inside(Buffer.from("GIF89a/*\x01\x01\x01*/=1;alert(1)//<script>alert(1)</script>", "latin1")),
    "WebP 16,384 × 16,384 of 37 bytes": header(webp(16_384, 16_384)),
    "WebP 16,384 × 1": header(webp(16_384, 1)),
    "WebP 2²⁴ × 2²⁴, animated": header(animatedWebp([1 << 24, 1 << 24], [[1, 1]])),
    "WebP 5,700 × 5,800": inside(webp(5_700, 5_800)),
    "WebP 5,700 × 5,800, 1,000 frames": inside(animatedWebp([5_700, 5_800], Array(1_000).fill([5_700, 5_800]))),
    "WebP 10 × 10, frame of 16,384 × 16,384": inside(animatedWebp([10, 10], [[16_384, 16_384]])),
    "JPEG 65,500 × 65,500": header(jpeg(65_500, 65_500).subarray(0, 1 << 20)),
    "JPEG 1 × 65,500": header(jpeg(1, 65_500)),
    "JPEG 9,000 × 9,000": header(jpeg(9_000, 9_000, { sampling: PHOTO })),
    "JPEG 8,064 × 6,048, progressive, 4:4:4": header(jpeg(8_064, 6_048, { progressive: true, sampling: [0x11, 0x11, 0x11] })),
    "JPEG with 1,000,000 comments": header(jpeg(640, 480, { segments: 1_000_000 })),
    "JPEG 8,000 × 6,000, 40,000 scans": inside(jpeg(8_000, 6_000, { progressive: true, scans: 40_000 })),
    "JPEG 8,064 × 6,048, cut": inside(jpeg(8_064, 6_048, { sampling: PHOTO }).subarray(0, 5_000)),
    "SVG named as a picture": header(Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")),
    "12 MB of zeros": header(zeros(12_000_000)),
  };
}

/** Valid pictures, which must be accepted. */
export function honest() {
  return {
    "JPEG of 12 megapixels": jpeg(4_032, 3_024, { sampling: PHOTO }),
    "JPEG of 48 megapixels": jpeg(8_064, 6_048, { sampling: PHOTO }),
    "JPEG of 48 megapixels, progressive": jpeg(8_064, 6_048, { progressive: true, sampling: PHOTO, scans: 10 }),
    "PNG of 12 megapixels": png(4_032, 3_024, { color: 2 }),
    "GIF of 640 × 480": gif([640, 480], [640, 480], { whole: true }),
    "WebP of 12 megapixels": webp(4_032, 3_024),
  };
}
