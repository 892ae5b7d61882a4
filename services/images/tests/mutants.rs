//! Pictures with random damage: whatever comes in, nothing panics, and memory is bounded.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a panic is how a test fails"
)]

mod common;

use std::{
    cell::Cell,
    io::{Cursor, Write},
};

use common::png_chunk;

use image::{DynamicImage, ImageFormat};
use proptest::prelude::*;
use techcommerce_images::{MAX_PIXELS, prepare, smaller};

/// The memory in bytes that this process needed at most while `work` ran, beyond what it had; 0
/// where the system does not tell (Linux does: proc(5)). Each test runs in its own process.
fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let line = |name: &str| -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
        kilobytes.unwrap_or(0) * 1024
    };
    let before = line("VmRSS:");
    // 5 forgets the peak until now.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let done = work();
    (done, line("VmHWM:").saturating_sub(before))
}

/// The pixels of the largest upload in four bytes each, what a decoder and the resizer need
/// beside, and the file.
const BOUND: usize = MAX_PIXELS as usize * 4 + 128 * 1024 * 1024;

const SEEDS: [&[u8]; 12] = [
    include_bytes!("files/cmyk.jpg"),
    include_bytes!("files/deep.png"),
    include_bytes!("files/gray.jpg"),
    include_bytes!("files/lossless.webp"),
    include_bytes!("files/moving.gif"),
    include_bytes!("files/moving.png"),
    include_bytes!("files/moving.webp"),
    include_bytes!("files/palette.png"),
    include_bytes!("files/progressive.jpg"),
    include_bytes!("files/secrets.jpg"),
    include_bytes!("files/secrets.png"),
    include_bytes!("files/secrets.webp"),
];

#[derive(Debug, Clone)]
enum Damage {
    Set(usize, u8),
    Word(usize, u32),
    Cut(usize),
    Double(usize, usize),
    Drop(usize, usize),
    Splice(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = || any::<usize>();
    // Numbers at which lengths and sizes overflow or become huge.
    let word = prop_oneof![
        Just(0),
        Just(1),
        Just(0xffff_ffff),
        Just(0x7fff_ffff),
        Just(0xffff),
        Just(0x0001_0000),
        any::<u32>()
    ];
    prop_oneof![
        6 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        3 => (at(), word).prop_map(|(at, word)| Damage::Word(at, word)),
        1 => at().prop_map(Damage::Cut),
        1 => (at(), 1..64_usize).prop_map(|(at, length)| Damage::Double(at, length)),
        1 => (at(), 1..64_usize).prop_map(|(at, length)| Damage::Drop(at, length)),
        1 => (at(), 0..SEEDS.len()).prop_map(|(at, seed)| Damage::Splice(at, seed)),
    ]
}

fn apply(file: &mut Vec<u8>, damage: &Damage) {
    let length = file.len().max(1);
    match *damage {
        Damage::Set(at, byte) => {
            if let Some(place) = file.get_mut(at % length) {
                *place = byte;
            }
        }
        Damage::Word(at, word) => {
            let at = at % length;
            for (place, byte) in file.iter_mut().skip(at).zip(word.to_be_bytes()) {
                *place = byte;
            }
        }
        Damage::Cut(at) => file.truncate(at % length),
        Damage::Double(at, count) => {
            let (at, end) = (at % length, (at % length + count).min(file.len()));
            let part = file.get(at..end).unwrap_or_default().to_vec();
            let at = at.min(file.len());
            file.splice(at..at, part);
        }
        Damage::Drop(at, count) => {
            let at = (at % length).min(file.len());
            let end = (at + count).min(file.len());
            file.drain(at..end);
        }
        Damage::Splice(at, seed) => {
            file.truncate(at % length);
            file.extend(SEEDS[seed].iter().skip(at % length));
        }
    }
}

/// Mends the checksums of a PNG's chunks, else hardly any damage gets behind them.
fn mend_png(file: &mut [u8]) {
    let mut at = 8;
    while let Some(head) = file.get(at..at + 4) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(chunk) = file.get(at + 4..(at + 8).saturating_add(length)) else {
            return;
        };
        let mut crc = flate2::Crc::new();
        crc.update(chunk);
        let sum = crc.sum().to_be_bytes();
        let end = at + 8 + length;
        if let Some(place) = file.get_mut(end..end + 4) {
            place.copy_from_slice(&sum);
        }
        at = end + 4;
    }
}

#[test]
fn damaged_pictures_are_refused_or_taken_but_never_more() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 6000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let files = (
        0..SEEDS.len(),
        proptest::collection::vec(damage(), 1..6),
        any::<bool>(),
    );
    let taken = Cell::new(0);
    runner
        .run(&files, |(seed, all, mend)| {
            let mut file = SEEDS[seed].to_vec();
            for damage in &all {
                apply(&mut file, damage);
            }
            if mend && file.starts_with(b"\x89PNG") {
                mend_png(&mut file);
            }
            let (done, peak) = peak_of(|| prepare(&file));
            prop_assert!(peak < BOUND, "{peak} bytes");
            match done {
                Ok(prepared) => {
                    taken.set(taken.get() + 1);
                    prop_assert!(prepared.original.starts_with(b"RIFF"));
                    smaller(&prepared.original).unwrap();
                }
                Err(error) => prop_assert_eq!(error.code(), "image_refused"),
            }
            Ok(())
        })
        .unwrap();
    let taken = taken.get();
    assert!(taken > 100, "the damage must not all be obvious: {taken}");
}

/// The size of a GIF is among the first numbers, and nothing checks it: wherever one is nothing,
/// the file is refused or taken.
#[test]
fn a_gif_without_pixels_is_refused() {
    let gif = include_bytes!("files/moving.gif");
    let refused: Vec<usize> = (0..gif.len())
        .filter(|at| {
            let mut file = gif.to_vec();
            apply(&mut file, &Damage::Word(*at, 0));
            prepare(&file).is_err_and(|error| {
                assert_eq!(error.code(), "image_refused", "nothing at {at}");
                true
            })
        })
        .collect();
    assert!(refused.contains(&6), "its width and height: {refused:?}");
}

/// A picture without content, by colour type and bits as PNG numbers them.
fn blank_png(width: u32, height: u32, depth: u8, kind: u8, pixel: usize) -> Vec<u8> {
    let row = 1 + width as usize * pixel;
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..height {
        packed.write_all(&vec![0; row]).unwrap();
    }
    let (width, height) = (width.to_be_bytes(), height.to_be_bytes());
    let header = [&width[..], &height, &[depth, kind, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        png_chunk(b"IHDR", &header),
        png_chunk(b"IDAT", &packed.finish().unwrap()),
        png_chunk(b"IEND", &[]),
    ]
    .concat()
}

#[test]
fn the_largest_pictures_need_no_more_memory_than_we_say() {
    let bits = |depth: u8, kind: u8| {
        let channels = [1, 0, 3, 0, 2, 0, 4][usize::from(kind)];
        blank_png(8000, 5000, depth, kind, usize::from(depth / 8) * channels)
    };
    let mut jpeg = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(8000, 5000)
        .write_to(&mut jpeg, ImageFormat::Jpeg)
        .unwrap();
    for (what, file) in [
        ("RGBA", bits(8, 6)),
        ("gray with 16 bits", bits(16, 0)),
        ("RGB with 16 bits, which is too much", bits(16, 2)),
        ("JPEG", jpeg.into_inner()),
    ] {
        let (done, peak) = peak_of(|| prepare(&file));
        assert!(peak < BOUND, "{what}: {} MB", peak >> 20);
        if let Err(error) = done {
            assert_eq!(error.code(), "image_refused", "{what}");
        }
        println!("{what}: {} MB at most", peak >> 20);
    }
}
