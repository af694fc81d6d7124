//! Sound with metadata: see the module above.

use super::secrets;

/// Half a second of MP3: frames of version 1, 128 kbit/s, 44,100 Hz.
pub fn frames() -> Vec<u8> {
    let mut frame = vec![0xff, 0xfb, 0x90, 0x64];
    frame.resize(417, 0x55);
    frame.repeat(20)
}

/// A tag with a comment, a picture and private data.
pub fn id3() -> Vec<u8> {
    let frame = |kind: &[u8; 4], data: &[u8]| {
        let length = u32::try_from(data.len()).expect("short").to_be_bytes();
        [&kind[..], &length, &[0, 0], data].concat()
    };
    let picture = [&b"\0image/jpeg\0\x03\0"[..], &super::pictures::jpeg(1)].concat();
    let frames = [
        frame(b"COMM", &secrets()),
        frame(b"GEOB", &secrets()),
        frame(b"PRIV", &secrets()),
        frame(b"APIC", &picture),
    ]
    .concat();
    let length = frames.len();
    let seven = |shift: usize| u8::try_from(length >> shift & 0x7f).expect("seven bits");
    [&b"ID3\x03\0\0"[..], &[seven(21), seven(14), seven(7), seven(0)], &frames].concat()
}

pub fn mp3() -> Vec<u8> {
    let mut first = [b"TAG", &secrets()[..]].concat();
    first.resize(128, 0);
    let items = secrets();
    let footer = |length: usize, flags: u32| {
        let length = u32::try_from(length).expect("short").to_le_bytes();
        let version = 2_000_u32.to_le_bytes();
        [&b"APETAGEX"[..], &version, &length, &1_u32.to_le_bytes(), &flags.to_le_bytes(), &[0; 8]]
            .concat()
    };
    let ape = [
        footer(items.len() + 32, 0xa000_0000),
        items.clone(),
        footer(items.len() + 32, 0x8000_0000),
    ];
    let (start, end) = (frames(), frames());
    [id3(), start, secrets(), end, ape.concat(), first].concat()
}

/// A page with these whole packets.
pub fn page(flags: u8, granule: u64, number: u32, packets: &[&[u8]]) -> Vec<u8> {
    let mut lengths = Vec::new();
    for packet in packets {
        lengths.extend(vec![255; packet.len() / 255]);
        lengths.push(u8::try_from(packet.len() % 255).expect("a byte"));
    }
    let count = u8::try_from(lengths.len()).expect("few");
    let mut page = [
        &b"OggS\0"[..],
        &[flags],
        &granule.to_le_bytes(),
        &7_u32.to_le_bytes(),
        &number.to_le_bytes(),
        &[0; 4],
        &[count],
        &lengths,
        &packets.concat(),
    ]
    .concat();
    let checksum = checksum(&page).to_le_bytes();
    page[22..26].copy_from_slice(&checksum);
    page
}

/// The checksum of a page: as in RFC 3533, with a table of one byte.
pub fn checksum(page: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256_u32)
        .map(|byte| {
            (0..8)
                .fold(byte << 24, |sum, _| sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 })
        })
        .collect();
    page.iter().fold(0, |sum, byte| sum << 8 ^ table[(sum >> 24) as usize ^ usize::from(*byte)])
}

fn comments() -> Vec<u8> {
    let one =
        |text: &[u8]| [&u32::try_from(text.len()).expect("short").to_le_bytes(), text].concat();
    let location = [b"LOCATION=", &secrets()[..]].concat();
    [one(&secrets()), 1_u32.to_le_bytes().to_vec(), one(&location)].concat()
}

pub const SOUND: &[u8] = b"what is heard";

pub fn opus() -> Vec<u8> {
    let head =
        [&b"OpusHead\x01\x01"[..], &312_u16.to_le_bytes(), &48_000_u32.to_le_bytes(), &[0; 3]]
            .concat();
    let tags = [&b"OpusTags"[..], &comments()].concat();
    let end = page(4, 48_312, 2, &[SOUND]);
    [page(2, 0, 0, &[&head]), page(0, 0, 1, &[&tags]), end, secrets()].concat()
}

pub fn vorbis() -> Vec<u8> {
    let head = [&b"\x01vorbis"[..], &[0; 4], &[1], &44_100_u32.to_le_bytes(), &[0; 14]].concat();
    let tags = [&b"\x03vorbis"[..], &comments(), &[1]].concat();
    let setup = b"\x05vorbis what the decoder needs";
    [page(2, 0, 0, &[&head]), page(0, 0, 1, &[&tags, setup]), page(4, 88_200, 2, &[SOUND])].concat()
}

pub fn flac() -> Vec<u8> {
    let block = |kind: u8, data: &[u8]| {
        let length = u32::try_from(data.len()).expect("short").to_be_bytes();
        [&[kind], &length[1..], data].concat()
    };
    // 44,100 Hz, one channel of 16 bits, 88,200 samples.
    let numbers = ((44_100_u64 << 44) + (15 << 36) + 88_200).to_be_bytes();
    let info = [&[16, 0, 16, 0, 0, 0, 0, 0, 0, 0][..], &numbers, &[0; 16]].concat();
    let picture = [&[0; 32][..], &super::pictures::jpeg(1)].concat();
    let blocks = [
        block(0, &info),
        block(4, &comments()),
        block(2, &secrets()),
        block(3, &[0; 18]),
        block(6, &picture),
        block(0x81, &[0; 20]),
    ];
    [&b"fLaC"[..], &blocks.concat(), &[0xff, 0xf8], SOUND].concat()
}

pub fn wav() -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let length = u32::try_from(data.len()).expect("short").to_le_bytes();
        [kind, &length, data, &[0][..data.len() % 2]].concat()
    };
    // 8,000 Hz, one channel of 8 bits.
    let format =
        [&[1, 0, 1, 0][..], &8_000_u32.to_le_bytes(), &8_000_u32.to_le_bytes(), &[1, 0, 8, 0]];
    let chunks = [
        b"WAVE".to_vec(),
        chunk(b"fmt ", &format.concat()),
        chunk(b"bext", &secrets()),
        chunk(b"data", &[128; 4_000]),
        chunk(b"LIST", &[b"INFOICMT", &secrets()[..]].concat()),
        chunk(b"id3 ", &secrets()),
    ];
    [chunk(b"RIFF", &chunks.concat()), secrets()].concat()
}
