//! Pictures.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Timestamp, Uuid};
use utoipa::ToSchema;

/// The widths in pixels that each picture is kept in; variant `w640` is 640 wide.
pub const WIDTHS: [u32; 3] = [320, 640, 1280];

/// A picture as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// Names the picture; `null` while it has not been fetched from where it was imported.
    pub id: Option<Uuid>,
    /// The address of its middle size, below the shop's own.
    #[schema(examples("/images/0193a1b2-0000-7000-8000-000000000000/w640"))]
    pub url: String,
    /// What it shows, for those who cannot see it.
    pub alt: String,
    /// Width in pixels of the largest size.
    pub width: u32,
    /// Height in pixels of the largest size.
    pub height: u32,
    /// For staff: where a picture lies that has not been fetched yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
}

impl Image {
    /// The address of one size of picture `id`.
    pub fn url_of(id: Uuid, width: u32) -> String {
        format!("/images/{id}/w{width}")
    }
}

/// What an upload answers. Each address serves a picture from now on; those of the smaller sizes
/// serve the largest until the worker has made them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Uploaded {
    /// Names the picture.
    pub id: Uuid,
    /// The address of its middle size.
    pub url: String,
    /// Width in pixels of the largest size.
    pub width: u32,
    /// Height in pixels of the largest size.
    pub height: u32,
    /// All sizes.
    pub variants: Vec<ImageVariant>,
}

/// One size of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageVariant {
    /// As `w640`.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// A picture as staff see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageDetails {
    /// Names the picture.
    pub id: Uuid,
    /// The address of its middle size.
    pub url: String,
    /// Width in pixels of the largest size.
    pub width: u32,
    /// Height in pixels of the largest size.
    pub height: u32,
    /// All sizes.
    pub variants: Vec<ImageVariant>,
    /// The name of the uploaded file, if it had one.
    pub file_name: Option<String>,
    /// What was uploaded: `png`, `jpeg`, `gif` or `webp`; `null` where nobody noted it.
    pub format: Option<String>,
    /// Bytes of what was uploaded; `null` where nobody noted it.
    pub uploaded_bytes: Option<i64>,
    /// Bytes that are kept, of all sizes together.
    pub stored_bytes: i64,
    /// Whether the worker has made all sizes.
    pub sizes_ready: bool,
    /// When it was uploaded; `null` for what is part of the program.
    pub created_at: Option<Timestamp>,
}
