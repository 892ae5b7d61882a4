//! Staff who upload pictures while the store of pictures fails, hangs and lies: what was acknowledged
//! is there, and no other picture is shown in its place.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::people::{TRIES, Town};
use crate::journeys::pictures::{FORM, form};

const PERIOD: Duration = Duration::from_millis(700);

/// Uploads one picture after another until the town closes, each of a colour of its own.
pub fn photographer(town: &Arc<Town>) -> JoinHandle<()> {
    let town = Arc::clone(town);
    tokio::spawn(async move {
        let mut number = 0;
        while town.is_open() {
            number += 1;
            upload(&town, number).await;
            sleep(PERIOD).await;
        }
    })
}

/// The same picture again until it is acknowledged: it is the same picture then.
async fn upload(town: &Town, number: u32) {
    let about = format!("picture-{number}");
    for _ in 0..TRIES {
        let body = form("dot.gif", "image/gif", &dot(number));
        let request = town.staff.post("/api/images/upload").body(FORM, body);
        let answer = town.ask(&about, request, "an upload").await;
        let acknowledged = answer.filter(|answer| answer.status == 201);
        if let Some(picture) = acknowledged.and_then(|answer| answer.json::<Value>().ok()) {
            if let Some(url) = picture["url"].as_str() {
                let url = url.to_owned();
                town.journal.know(|facts| facts.pictures.insert(about, url));
            }
            return;
        }
        sleep(PERIOD / 2).await;
    }
}

/// By its address, what a picture shows; nothing if that is no picture.
pub type Shown = BTreeMap<String, Option<Vec<u8>>>;

/// Looks at each picture that was acknowledged and was not shown before: all of them at each look would be
/// more than one place may ask.
pub async fn look(town: &Town, shown: &mut Shown) {
    for url in town.journal.facts().pictures.into_values() {
        if matches!(shown.get(&url), Some(Some(_))) {
            continue;
        }
        let answer = town.client.get(&url).send().await;
        let picture = answer.ok().filter(|answer| {
            let kind = answer.header("content-type").unwrap_or_default();
            answer.status == 200 && kind.starts_with("image/")
        });
        shown.insert(url, picture.map(|answer| answer.body.to_vec()));
    }
}

/// A picture of one pixel, as the format's specification (GIF89a, W3C) has it: a screen of 1 × 1 with a
/// table of two colours, of which the first is the number's, and an image of it.
fn dot(number: u32) -> Vec<u8> {
    let [_, red, green, blue] = number.wrapping_mul(40_503).to_be_bytes();
    let mut gif = b"GIF89a\x01\x00\x01\x00\x80\x00\x00".to_vec();
    gif.extend([red, green, blue, 0, 0, 0]);
    gif.extend(b"\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b");
    gif
}
