//! Films with metadata: see the module above. Their pictures are bytes that no decoder knows; the containers are whole.

use super::{COMMENT, PLACE, secrets};

/// The samples of the picture track.
pub const FRAMES: &[u8] = b"frame 1 of the film, frame 2 of the film";

fn part(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).expect("short").to_be_bytes();
    [&length, &kind, content].concat()
}

fn long(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("short").to_be_bytes()
}

/// A track with its samples at one place in the file.
struct Track {
    id: u8,
    handler: [u8; 4],
    samples: (usize, usize),
    /// Whether its samples are in fragments.
    fragmented: bool,
}

impl Track {
    fn boxes(&self) -> Vec<u8> {
        let mut header =
            vec![0, 0, 0, 7, 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x22, 0x22, 0, 0, 0, self.id];
        header.extend([0; 24]);
        // Turned by a quarter.
        for number in
            [0_u32, 0x1_0000, 0, 0xffff_0000, 0, 0, 0, 0, 0x4000_0000, 640 << 16, 360 << 16]
        {
            header.extend(number.to_be_bytes());
        }
        let media_header = [&[0; 4][..], &[0x11; 8], &long(1_000), &long(8_000), &[0; 4]].concat();
        let handler = [&[0; 8][..], &self.handler, &[0; 12], &secrets(), &[0]].concat();
        let description = [&[0; 82 - 8][..], &part(*b"avcC", b"the decoder needs this")].concat();
        let mut description = part(*b"avc1", &description);
        description[50..82].copy_from_slice(&secrets()[..32]);
        let description =
            if self.handler == *b"vide" { description } else { part(*b"mp4a", &[0; 28]) };
        let (at, length) = self.samples;
        let count = usize::from(!self.fragmented);
        let tables = [
            part(*b"stsd", &[&[0; 4][..], &long(1), &description].concat()),
            part(*b"stts", &[&[0; 4][..], &long(count), &long(1), &long(8_000)].concat()),
            part(*b"stsc", &[&[0; 4][..], &long(1), &long(1), &long(2), &long(1)].concat()),
            part(
                *b"stsz",
                &[&[0; 8][..], &long(2), &long(length / 2), &long(length - length / 2)].concat(),
            ),
            part(*b"stco", &[&[0; 4][..], &long(count), &long(at)].concat()),
        ];
        let references =
            part(*b"dref", &[&[0; 4][..], &long(1), &part(*b"url ", &[0, 0, 0, 1])].concat());
        let information = [
            part(*b"vmhd", &[0; 12]),
            part(*b"dinf", &references),
            part(*b"stbl", &tables.concat()),
        ];
        let media = [
            part(*b"mdhd", &media_header),
            part(*b"hdlr", &handler),
            part(*b"minf", &information.concat()),
        ];
        let place = part(*b"udta", &part(*b"\xa9xyz", PLACE.as_bytes()));
        part(*b"trak", &[part(*b"tkhd", &header), part(*b"mdia", &media.concat()), place].concat())
    }
}

fn movie(tracks: &[Track], more: &[u8]) -> Vec<u8> {
    let header = [&[0; 4][..], &[0x33; 8], &long(1_000), &long(8_000), &[0; 80]].concat();
    let tracks: Vec<u8> = tracks.iter().flat_map(Track::boxes).collect();
    let texts = [
        part(*b"udta", &secrets()),
        part(*b"meta", &[&[0; 4][..], &part(*b"keys", &secrets())].concat()),
        part(*b"gps ", &secrets()),
    ];
    part(*b"moov", &[&part(*b"mvhd", &header), &tracks, &texts.concat(), more].concat())
}

/// A film with pictures and with a track of what the camera measured.
pub fn mp4(brand: [u8; 4]) -> Vec<u8> {
    with_tracks(brand, &[*b"vide", *b"meta", *b"text"])
}

pub fn m4a() -> Vec<u8> {
    with_tracks(*b"M4A ", &[*b"soun"])
}

fn with_tracks(brand: [u8; 4], handlers: &[[u8; 4]]) -> Vec<u8> {
    let start =
        [part(*b"ftyp", &[&brand[..], &[0; 4], &brand].concat()), part(*b"uuid", &secrets())]
            .concat();
    let samples: Vec<Vec<u8>> =
        (0..handlers.len()).map(|at| if at == 0 { FRAMES.to_vec() } else { secrets() }).collect();
    let mut at = start.len() + 8;
    let mut tracks = Vec::new();
    for ((id, handler), samples) in (1..).zip(handlers).zip(&samples) {
        tracks.push(Track {
            id,
            handler: *handler,
            samples: (at, samples.len()),
            fragmented: false,
        });
        at += samples.len();
    }
    let data = part(*b"mdat", &samples.concat());
    [start, data, part(*b"free", &secrets()), movie(&tracks, b""), secrets()].concat()
}

/// A film in fragments, the second track of which is what the camera measured.
pub fn fragmented() -> Vec<u8> {
    let track = |id, handler| Track { id, handler, samples: (0, 0), fragmented: true };
    let defaults = |id: u8| {
        part(*b"trex", &[&[0; 7][..], &[id], &long(1), &[0; 4], &long(10), &[0; 4]].concat())
    };
    let extends = part(*b"mvex", &[defaults(1), defaults(2)].concat());
    let start = [
        part(*b"ftyp", b"iso5\0\0\0\0iso5dash"),
        movie(&[track(1, *b"vide"), track(2, *b"meta")], &extends),
    ];
    let head = |id: u8, flags: &[u8]| part(*b"tfhd", &[&[0, 2, 0, 0, 0, 0, 0, id], flags].concat());
    let fragment = |first: usize, second: usize| {
        // One run says the size of each sample, the other one uses the default of ten bytes.
        let pictures = [&[0, 0, 2, 1][..], &long(1), &long(first), &long(FRAMES.len())].concat();
        let measured =
            [&[0, 0, 0, 1][..], &long(secrets().len().div_ceil(10)), &long(second)].concat();
        let tracks = [
            part(
                *b"traf",
                &[head(1, &[]), part(*b"trun", &pictures), part(*b"uuid", &secrets())].concat(),
            ),
            part(*b"traf", &[head(2, &[]), part(*b"trun", &measured)].concat()),
        ];
        part(*b"moof", &[part(*b"mfhd", &[0, 0, 0, 0, 0, 0, 0, 1]), tracks.concat()].concat())
    };
    let first = fragment(0, 0).len() + 8;
    let fragment = fragment(first, first + FRAMES.len());
    let padding = &[0; 10][..(10 - secrets().len() % 10) % 10];
    let data = part(*b"mdat", &[FRAMES, &secrets(), padding].concat());
    [start.concat(), fragment, data, part(*b"free", COMMENT.as_bytes())].concat()
}

/// A picture as phones store it: one item of pixels, one of Exif, one of XMP.
pub fn heic() -> Vec<u8> {
    let item = |id: u8, kind: &[u8; 4]| {
        part(*b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0], &kind[..], &[0]].concat())
    };
    let items = [item(1, b"hvc1"), item(2, b"Exif"), item(3, b"mime")].concat();
    let data = [FRAMES.to_vec(), super::pictures::exif(1), secrets()];
    let start = part(*b"ftyp", b"heic\0\0\0\0mif1heic");
    let meta = |at: usize| {
        let (mut at, mut locations) = (at, vec![0, 0, 0, 0, 0x44, 0, 0, 3]);
        for (id, bytes) in (1..).zip(&data) {
            locations.extend([0, id, 0, 0, 0, 1]);
            locations.extend([long(at), long(bytes.len())].concat());
            at += bytes.len();
        }
        let boxes = [
            part(*b"hdlr", &[&[0; 8][..], b"pict", &[0; 12], &secrets()].concat()),
            part(*b"pitm", &[0, 0, 0, 0, 0, 1]),
            part(*b"iinf", &[&[0, 0, 0, 0, 0, 3][..], &items].concat()),
            part(*b"iloc", &locations),
            part(*b"iprp", &part(*b"ipco", &part(*b"udes", &secrets()))),
            part(*b"xml ", &secrets()),
        ];
        part(*b"meta", &[&[0; 4][..], &boxes.concat()].concat())
    };
    let at = start.len() + meta(0).len() + 8;
    [start, meta(at), part(*b"mdat", &data.concat()), part(*b"uuid", &secrets())].concat()
}

pub fn jpeg_xl() -> Vec<u8> {
    [
        part(*b"JXL ", b"\r\n\x87\n"),
        part(*b"ftyp", b"jxl \0\0\0\0jxl "),
        part(*b"Exif", &[&[0; 4][..], &super::pictures::exif(1)].concat()),
        part(*b"jxlc", FRAMES),
        part(*b"xml ", &secrets()),
    ]
    .concat()
}

fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short");
    [id, &[0x40 | length.to_be_bytes()[0], length.to_be_bytes()[1]], content].concat()
}

/// A film of this type of track: 1 pictures, 2 sound. A recording does not say how long it is.
pub fn webm(known: bool, track_type: u8) -> Vec<u8> {
    let header = element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"webm"));
    let info = [
        element(&[0x2a, 0xd7, 0xb1], &[0x0f, 0x42, 0x40]),
        element(&[0x44, 0x89], &1_500.0_f32.to_be_bytes()),
        element(&[0x7b, 0xa9], &secrets()),
        element(&[0x44, 0x61], &[1; 8]),
        element(&[0x4d, 0x80], COMMENT.as_bytes()),
        element(&[0x57, 0x41], &secrets()),
        element(&[0xbf], &[1, 2, 3, 4]),
    ];
    let size = [element(&[0xb0], &[2, 128]), element(&[0xba], &[1, 104])].concat();
    let mut track = vec![element(&[0xd7], &[1]), element(&[0x83], &[track_type])];
    track.push(element(&[0x53, 0x6e], &secrets()));
    track.push(if track_type == 1 { element(&[0xe0], &size) } else { element(&[0xe1], &[]) });
    let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &element(&[0xae], &track.concat()));
    let cluster = [element(&[0xe7], &[0]), element(&[0xa3], FRAMES)].concat();
    let cluster_id = [0x1f, 0x43, 0xb6, 0x75];
    let parts = [
        element(&[0xec], &secrets()),
        element(&[0x15, 0x49, 0xa9, 0x66], &info.concat()),
        tracks,
        element(&[0x12, 0x54, 0xc3, 0x67], &secrets()),
        element(&[0x19, 0x41, 0xa4, 0x69], &secrets()),
        if known {
            element(&cluster_id, &cluster)
        } else {
            [&cluster_id[..], &[0xff], &cluster, &cluster_id, &[0xff], &cluster].concat()
        },
        element(&[0x12, 0x54, 0xc3, 0x67], &secrets()),
    ]
    .concat();
    let segment = [0x18, 0x53, 0x80, 0x67];
    if known {
        [header, element(&segment, &parts), secrets()].concat()
    } else {
        [header, segment.to_vec(), vec![0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], parts]
            .concat()
    }
}
