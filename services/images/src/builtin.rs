//! Pictures that are part of the program: served straight from its own memory, so that a shop
//! with the demo catalogue starts at once and nothing is copied.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use techcommerce_kernel::{Error, Uuid};

use crate::variant::{Variant, describe};
use techcommerce_contracts::images::{ImageDetails, Uploaded};

/// Built-in pictures by id.
#[derive(Debug, Clone, Default)]
pub struct Builtin(HashMap<Uuid, Picture>);

#[derive(Debug, Clone, Default)]
struct Picture {
    /// From the narrowest to the widest.
    sizes: Vec<(u32, &'static [u8])>,
}

impl Builtin {
    /// The files of a folder, by name: `stoneware-mug-640.webp` is the 640 pixels wide WebP of
    /// the picture `stoneware-mug`.
    ///
    /// # Errors
    /// `internal` if a name is not of this form.
    pub fn new(
        files: impl IntoIterator<Item = (&'static str, &'static [u8])>,
    ) -> Result<Self, Error> {
        let mut pictures: HashMap<Uuid, Picture> = HashMap::new();
        for (file, bytes) in files {
            let parsed = file
                .strip_suffix(".webp")
                .and_then(|stem| stem.rsplit_once('-'))
                .and_then(|(name, width)| Some((name, width.parse().ok()?)));
            let Some((name, width)) = parsed else {
                return Err(Error::internal(format!(
                    "{file} is not named <name>-<width>.webp"
                )));
            };
            pictures
                .entry(builtin_id(name))
                .or_default()
                .sizes
                .push((width, bytes));
        }
        for picture in pictures.values_mut() {
            picture.sizes.sort_unstable_by_key(|(width, _)| *width);
        }
        Ok(Self(pictures))
    }

    /// The bytes of one size: the narrowest that is wide enough, else the widest.
    pub(crate) fn get(&self, id: Uuid, variant: Variant) -> Option<&'static [u8]> {
        let sizes = &self.0.get(&id)?.sizes;
        let wide_enough = |(width, _): &&(u32, _)| match variant {
            Variant::Width(wanted) => *width >= wanted,
            Variant::Original => false,
        };
        sizes
            .iter()
            .find(wide_enough)
            .or(sizes.last())
            .map(|(_, bytes)| *bytes)
    }

    /// What an upload of the picture would have answered.
    ///
    /// # Errors
    /// `internal` if its file is no picture.
    pub fn describe(&self, name: &str) -> Result<Option<Uploaded>, Error> {
        self.describe_id(builtin_id(name))
    }

    /// As staff see it.
    pub(crate) fn details(&self, id: Uuid) -> Result<Option<ImageDetails>, Error> {
        let Some(image) = self.describe_id(id)? else {
            return Ok(None);
        };
        let sizes = self.0.get(&id).map(|picture| &picture.sizes);
        let bytes: usize = sizes.into_iter().flatten().map(|(_, b)| b.len()).sum();
        Ok(Some(ImageDetails {
            id: image.id,
            url: image.url,
            width: image.width,
            height: image.height,
            variants: image.variants,
            file_name: None,
            format: None,
            uploaded_bytes: None,
            stored_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            sizes_ready: true,
            created_at: None,
        }))
    }

    pub(crate) fn describe_id(&self, id: Uuid) -> Result<Option<Uploaded>, Error> {
        let Some(bytes) = self.get(id, Variant::Original) else {
            return Ok(None);
        };
        let size = techcommerce_pixels::size_of(bytes).map_err(Error::internal)?;
        Ok(Some(describe(id, size)))
    }
}

/// The id of the built-in picture `name`, the same in every shop: a UUIDv8 (RFC 9562 §5.8) made
/// of the name's hash.
pub fn builtin_id(name: &str) -> Uuid {
    let mut bytes = [0; 16];
    let hash = Sha256::digest(format!("techcommerce built-in picture {name}"));
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_found_by_name() {
        let builtin = Builtin::new([
            ("mug-1280.webp", b"l".as_slice()),
            ("mug-320.webp", b"s"),
            ("mug-640.webp", b"m"),
            ("mug-side-320.webp", b"x"),
        ])
        .unwrap();
        let id = builtin_id("mug");
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(builtin.get(id, Variant::Width(320)), Some(b"s".as_slice()));
        assert_eq!(builtin.get(id, Variant::Width(640)), Some(b"m".as_slice()));
        assert_eq!(builtin.get(id, Variant::Original), Some(b"l".as_slice()));
        assert_eq!(
            builtin.get(builtin_id("mug-side"), Variant::Width(1280)),
            Some(b"x".as_slice())
        );
        assert_eq!(builtin.get(builtin_id("cup"), Variant::Width(320)), None);
        assert!(Builtin::new([("mug.png", b"".as_slice())]).is_err());
    }
}
