//! Pictures that staff upload and that catalogues lead to.
#![no_main]

use libfuzzer_sys::fuzz_target;
use techcommerce_pixels::Picture;

fuzz_target!(|file: &[u8]| {
    let Ok(mut picture) = Picture::open(file) else {
        return;
    };
    let (width, height) = picture.size();
    assert!(width > 0 && height > 0);
    // Small, so that time goes into reading.
    if u64::from(width) * u64::from(height) < 65_536 {
        picture.turn_upright();
        let small = picture.scaled((8, 8)).expect("a size with pixels");
        small.webp(80.0).expect("what was read can be written");
    }
});
