//! Hostile files, the same ones for the same seed: made from the honest samples, from bombs and from what browsers would
//! run.

use super::super::bombs;
use super::{Sample, all, secrets};

/// A hostile file.
pub struct Hostile {
    /// How it was made.
    pub about: String,
    pub file: Vec<u8>,
    /// Whether all that was planted in the honest file must be found and removed: bytes were added or cut off, but none
    /// changed.
    pub must_be_clean: bool,
}

const KINDS: usize = 8;

/// What browsers would run, if it came from our address as what it is.
const PROGRAMS: [&[u8]; 12] = [
    b"<!doctype html><script>alert(1)</script>",
    b"<html><body onload=alert(1)>",
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    b"<?xml version='1.0'?><?xml-stylesheet href='data:text/xsl,'?><x/>",
    b"GIF89a/*\0\0\0\0*/=1;alert(1)//<script>",
    b"GIF87a=1;alert(1)",
    b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>",
    b"PK\x03\x04\x14\0\0\0\x08\0index.html<script>alert(1)</script>",
    b"\x7fELF\x02\x01\x01\0",
    b"MZ\x90\0\x03\0\0\0",
    b"#!/bin/sh\nrm -rf ~\n",
    b"\0asm\x01\0\0\0",
];

/// Random numbers from a seed (xorshift).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("small")
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).expect("a byte")
    }
}

/// Makes as many files. Every kind has its share.
pub fn files(seed: u64, count: usize) -> Vec<Hostile> {
    let (samples, bombs) = (all(), all_bombs());
    let mut dice = Dice::new(seed);
    (0..count).map(|number| hostile(number, &samples, &bombs, &mut dice)).collect()
}

fn hostile(number: usize, samples: &[Sample], bombs: &[Vec<u8>], dice: &mut Dice) -> Hostile {
    let (name, _, honest) = dice.pick(samples);
    let (kind, file, must_be_clean) = match number % KINDS {
        0 => ("a bomb", dice.pick(bombs).clone(), false),
        1 => ("truncated", honest[..dice.roll(honest.len())].to_vec(), true),
        2 => ("changed", changed(honest, dice), false),
        3 => ("with a lie about a length", lying(honest, dice), false),
        4 => ("with a program behind it", [honest, *dice.pick(&PROGRAMS)].concat(), true),
        5 => ("behind a program", [*dice.pick(&PROGRAMS), honest].concat(), false),
        6 => ("crossed with another", crossed(honest, &dice.pick(samples).2, dice), false),
        _ => ("with parts in parts", nested(dice), false),
    };
    Hostile { about: format!("{number}: {name} {kind}"), file, must_be_clean }
}

fn changed(honest: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut file = honest.to_vec();
    for _ in 0..=dice.roll(12) {
        let at = dice.roll(file.len());
        file[at] = [0, 1, 0x7f, 0x80, 0xff, dice.byte()][dice.roll(6)];
    }
    file
}

/// Four bytes in a row become a number that is too large, somewhere near the beginning where lengths are.
fn lying(honest: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut file = honest.to_vec();
    let at = dice.roll(file.len().min(400).saturating_sub(4));
    let lie =
        *dice.pick(&[[0xff; 4], [0x7f, 0xff, 0xff, 0xff], [0; 4], [0x80, 0, 0, 0], [0, 0, 0, 1]]);
    file[at..at + 4].copy_from_slice(&lie);
    file
}

/// The beginning of one and the end of another, or one inside of another.
fn crossed(one: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let (head, tail) = one.split_at(dice.roll(one.len()));
    match dice.roll(2) {
        0 => [head, &other[dice.roll(other.len())..]].concat(),
        _ => [head, other, tail].concat(),
    }
}

/// Boxes, elements and directories in each other without end.
fn nested(dice: &mut Dice) -> Vec<u8> {
    let depth = 1 + dice.roll(3_000);
    match dice.roll(5) {
        0 => {
            let kinds = [*b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl", *b"meta", *b"iprp"];
            let wrap = |inner: Vec<u8>, kind: &[u8; 4]| {
                let length = u32::try_from(inner.len() + 8).expect("short").to_be_bytes();
                [&length, &kind[..], &inner].concat()
            };
            let inner =
                (0..depth.min(500)).fold(secrets(), |inner, _| wrap(inner, dice.pick(&kinds)));
            [&b"\0\0\0\x10ftypisom\0\0\0\0"[..], &inner].concat()
        }
        1 => [
            &b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff"[..],
            &b"\x1f\x43\xb6\x75\xff".repeat(depth),
        ]
        .concat(),
        // A directory that leads to itself.
        2 => {
            [&b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08"[..], &secrets()]
                .concat()
        }
        3 => [&b"\xff\xd8"[..], &b"\xff\xe1\0\x02".repeat(depth), b"\xff\xd9"].concat(),
        _ => {
            [&b"GIF89a\x01\0\x01\0\0\0\0"[..], &b"\x21\xfe\x01x\0".repeat(depth), b"\x3b"].concat()
        }
    }
}

/// Small files that claim large pictures.
fn all_bombs() -> Vec<Vec<u8>> {
    use bombs::Png;

    let mut bombs = vec![Png::new(7_000, 7_000, 8, 6).head()];
    for side in [2_000, 9_000, 16_383] {
        bombs.push(bombs::webp(side, side));
        bombs.push(bombs::animated_webp((side, side), &[(side, side), (16, 16)]));
        bombs.push(bombs::animated_webp((16, 16), &[(side, side)]));
        let short = u16::try_from(side).expect("short");
        bombs.push(bombs::gif((short, short), (short, short), 40));
        bombs.push(bombs::jpeg(short, short, true, 30));
        bombs.push(bombs::jpeg(short, 400, false, 1));
    }
    bombs
}
