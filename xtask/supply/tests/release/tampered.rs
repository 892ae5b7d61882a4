//! A release is signed with a key; then whatever can be wrong with it is, one thing after another, and is
//! refused with words of its own.

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use serde_json::Value;

use crate::place::{Ended, Place};

/// A release in the folder `dist`: archive, list of parts, scripts, changes.
fn release(place: &Place, key: &str) {
    place
        .pack(&place.program("techcommerce"), "dist")
        .succeeds();
    let version = place.version();
    fs::write(
        place.path("dist").join(parts(place)),
        "{\"bomFormat\": \"CycloneDX\"}\n",
    )
    .unwrap();
    let tag = format!("v{version}");
    place
        .run(
            "scripts/release/notes.sh",
            &["--tag", &tag, "--out", "dist"],
        )
        .succeeds();
    place
        .run("scripts/release/sign.sh", &["dist", "--key", key])
        .succeeds();
}

fn parts(place: &Place) -> String {
    place.archive().replace(".tar.gz", ".cdx.json")
}

fn verify(place: &Place, folder: &str, public: &str, more: &[&str]) -> Ended {
    let arguments = [&["release", folder, "--key", public], more].concat();
    place.run("scripts/verify.sh", &arguments)
}

/// Does something to a copy of a release.
type Wrong<'a> = Box<dyn Fn(&Path) + Sync + 'a>;

/// What is done to copies, each with the words by which it is refused.
#[derive(Default)]
struct Wrongs<'a>(Vec<(Wrong<'a>, String)>);

impl<'a> Wrongs<'a> {
    fn refused(&mut self, wrong: impl Fn(&Path) + Sync + 'a, words: &str) {
        self.0.push((Box::new(wrong), words.to_owned()));
    }

    /// Verifying waits for programs that each compute on one core, so as many are verified at once as there
    /// are.
    fn are_refused(&self, place: &Place, public: &str) {
        let next = AtomicUsize::new(0);
        let threads = available_parallelism().map_or(2, NonZero::get);
        let run = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some((wrong, words)) = self.0.get(number) else {
                    break;
                };
                let folder = with(place, &format!("tampered-{number}"), wrong);
                verify(place, folder.to_str().unwrap(), public, &[]).fails(words);
                fs::remove_dir_all(folder).unwrap();
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(run);
            }
        });
    }
}

/// A copy of `dist` in which something is wrong.
fn with(place: &Place, name: &str, wrong: impl FnOnce(&Path)) -> PathBuf {
    let folder = place.path(name);
    let copied = Command::new("cp")
        .arg("-R")
        .arg(place.path("dist"))
        .arg(&folder)
        .status();
    assert!(copied.unwrap().success());
    wrong(&folder);
    folder
}

fn flip(file: &Path, at: impl Fn(usize) -> usize) {
    let mut bytes = fs::read(file).unwrap();
    let at = at(bytes.len());
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

/// Another letter in the text at this place of a JSON file.
fn change(file: &Path, pointer: &str) {
    let mut value: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let text = value
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("{pointer} in {}", file.display()));
    let mut letters = text.as_str().unwrap().as_bytes().to_vec();
    let middle = letters.len() / 2;
    letters[middle] = if letters[middle] == b'A' { b'B' } else { b'A' };
    *text = String::from_utf8(letters).unwrap().into();
    fs::write(file, value.to_string()).unwrap();
}

fn swap(folder: &Path, one: &str, other: &str) {
    let (one, other, between) = (folder.join(one), folder.join(other), folder.join("between"));
    fs::rename(&one, &between).unwrap();
    fs::rename(&other, &one).unwrap();
    fs::rename(&between, &other).unwrap();
}

#[test]
fn what_was_tampered_with_is_refused() {
    let mut place = Place::new();
    let (key, public) = place.keys("keys");
    let (_, strange) = place.keys("others");
    release(&place, &key);
    let commit = place.head();
    let (archive, parts) = (place.archive(), parts(&place));
    let file = |name: &str, end: &str| format!("{name}{end}");

    let said = verify(
        &place,
        "dist",
        &public,
        &["--version", "0.1.0", "--commit", &commit],
    )
    .succeeds();
    assert!(
        said.contains(&format!("TechCommerce 0.1.0, built from {commit}")),
        "{said}"
    );
    assert_eq!(said.matches("verified ").count(), 5, "{said}");

    let provenance = file(&archive, ".provenance.sigstore.json");
    let mut wrongs = Wrongs::default();
    let checksum = "it is not the file of this release: its checksum is";
    wrongs.refused(
        |dist| flip(&dist.join(&archive), |_| 0),
        &format!("{archive}: {checksum}"),
    );
    wrongs.refused(
        |dist| flip(&dist.join(&archive), |length| length / 2),
        &format!("{archive}: {checksum}"),
    );
    wrongs.refused(
        |dist| flip(&dist.join(&archive), |length| length - 1),
        &format!("{archive}: {checksum}"),
    );
    wrongs.refused(
        |dist| flip(&dist.join(&parts), |length| length / 2),
        &format!("{parts}: {checksum}"),
    );
    wrongs.refused(
        |dist| flip(&dist.join("install.sh"), |length| length / 2),
        &format!("install.sh: {checksum}"),
    );
    wrongs.refused(
        |dist| flip(&dist.join("SHA256SUMS"), |_| 3),
        "SHA256SUMS: it was changed, or is not signed by the key",
    );
    wrongs.refused(
        |dist| {
            change(
                &dist.join("SHA256SUMS.sigstore.json"),
                "/messageSignature/signature",
            )
        },
        "SHA256SUMS: it was changed, or is not signed by the key",
    );
    wrongs.refused(
        |dist| {
            change(
                &dist.join(file(&archive, ".sigstore.json")),
                "/messageSignature/signature",
            )
        },
        &format!("{archive}: its signature is not one of the key"),
    );
    let not_signed = format!("{archive}: its provenance is not signed by the key");
    wrongs.refused(
        |dist| change(&dist.join(&provenance), "/dsseEnvelope/payload"),
        &not_signed,
    );
    wrongs.refused(
        |dist| change(&dist.join(&provenance), "/dsseEnvelope/signatures/0/sig"),
        &not_signed,
    );
    // Each is sound, and belongs to another file.
    wrongs.refused(
        |dist| {
            swap(
                dist,
                &file(&archive, ".sigstore.json"),
                &file(&parts, ".sigstore.json"),
            )
        },
        "its signature is not one of the key",
    );
    wrongs.refused(
        |dist| {
            swap(
                dist,
                &provenance,
                &file(&parts, ".provenance.sigstore.json"),
            )
        },
        "its provenance is not signed by",
    );
    wrongs.refused(|dist| swap(dist, &archive, &parts), checksum);
    wrongs.refused(
        |dist| fs::remove_file(dist.join(file(&parts, ".sigstore.json"))).unwrap(),
        &format!("{parts}: its signature {parts}.sigstore.json is not here"),
    );
    wrongs.refused(
        |dist| fs::remove_file(dist.join(&provenance)).unwrap(),
        &format!("{archive}: its provenance {provenance} is not here"),
    );
    wrongs.refused(
        |dist| fs::remove_file(dist.join("SHA256SUMS")).unwrap(),
        "SHA256SUMS is not here",
    );
    wrongs.refused(
        |dist| fs::remove_file(dist.join("SHA256SUMS.sigstore.json")).unwrap(),
        "SHA256SUMS.sigstore.json is not here",
    );
    wrongs.refused(
        |dist| fs::write(dist.join("extra.sh"), "#!/bin/sh\n").unwrap(),
        "extra.sh: it is not part of this release",
    );

    wrongs.are_refused(&place, &public);

    verify(&place, "dist", &strange, &[]).fails("SHA256SUMS: it is signed with another key than");
    verify(&place, "dist", &public, &["--version", "0.2.0"])
        .fails("it is the list of version 0.1.0, not of 0.2.0");
    let other = "0".repeat(40);
    verify(&place, "dist", &public, &["--commit", &other])
        .fails(&format!("from commit {commit}, not from {other}"));

    // A later release, whose parts are sound too.
    fs::rename(place.path("dist"), place.path("older")).unwrap();
    place.next_version("0.2.0");
    release(&place, &key);
    verify(&place, "dist", &public, &["--version", "0.2.0"]).succeeds();
    let newer = place.archive();
    let folder = with(&place, "mixed", |dist| {
        for end in ["", ".sigstore.json", ".provenance.sigstore.json"] {
            let from = place.path("older").join(format!("{archive}{end}"));
            fs::copy(from, dist.join(format!("{newer}{end}"))).unwrap();
        }
    });
    verify(&place, folder.to_str().unwrap(), &public, &[]).fails(&format!("{newer}: {checksum}"));
    // The older release under the newer one's names, list and all.
    verify(&place, "older", &public, &["--version", "0.2.0"])
        .fails("it is the list of version 0.1.0");
}

#[test]
fn who_built_it_counts_and_not_only_who_signed() {
    let mut place = Place::new();
    let (key, public) = place.keys("keys");
    fs::create_dir_all(place.path("dist")).unwrap();
    fs::write(place.path("dist").join(place.archive()), "anything").unwrap();
    let tag = "refs/tags/v0.1.0";
    for (variables, words) in [
        (
            place.runner("ci.yaml", tag),
            "not built by the pipeline, but by https://github.com/techcommerce/techcommerce/.github/workflows/ci.yaml",
        ),
        (
            place.runner("release.yaml", "refs/heads/topic"),
            "not built by the pipeline, but by",
        ),
        (
            place.runner("cd.yaml", "refs/heads/main"),
            "it was built for refs/heads/main, not for refs/tags/v0.1.0",
        ),
    ] {
        place.variables = variables;
        place
            .run("scripts/release/sign.sh", &["dist", "--key", &key])
            .succeeds();
        verify(&place, "dist", &public, &[]).fails(words);
    }
    place.variables = place.runner("release.yaml", tag);
    place.set("GITHUB_REPOSITORY", "somebody/techcommerce");
    place
        .run("scripts/release/sign.sh", &["dist", "--key", &key])
        .succeeds();
    verify(&place, "dist", &public, &[])
        .fails("it was built from https://github.com/somebody/techcommerce, not from");
}

#[test]
fn nothing_is_signed_without_saying_where_it_was_built() {
    let mut place = Place::new();
    let (key, _) = place.keys("keys");
    fs::create_dir_all(place.path("dist")).unwrap();
    fs::write(place.path("dist/file"), "anything").unwrap();
    let sign = |place: &Place, arguments: &[&str]| place.run("scripts/release/sign.sh", arguments);
    sign(&place, &["dist"]).fails("id-token: write");
    sign(&place, &["dist", "--key", "nowhere"]).fails("There is no key nowhere");
    let dry = sign(&place, &["dist", "--dry-run"]).succeeds();
    assert!(dry.contains("Would sign SHA256SUMS and 1 files"), "{dry}");
    place.set("GITHUB_SHA", &"1".repeat(40));
    sign(&place, &["dist", "--key", &key]).fails("is checked out");
    place.set("GITHUB_SHA", "");
    sign(&place, &["dist", "--key", &key]).fails("GITHUB_SHA is not set");
    assert_eq!(
        fs::read_dir(place.path("dist")).unwrap().count(),
        1,
        "something was written"
    );
}

#[test]
fn verify_says_when_it_was_called_wrongly() {
    let place = Place::new();
    fs::create_dir_all(place.path("dist")).unwrap();
    for (arguments, words) in [
        (&["release"][..], "Say what to verify"),
        (&["release", "nowhere"], "There is no folder nowhere"),
        (
            &["image", "ghcr.io/techcommerce/techcommerce:latest"],
            "names no digest",
        ),
        (&["release", "dist", "--commit", "abc"], "abc is no commit"),
        (
            &["release", "dist", "--key", "nowhere"],
            "There is no key nowhere",
        ),
        (
            &["release", "dist", "--frobnicate"],
            "There is no option --frobnicate",
        ),
    ] {
        let ended = place.run("scripts/verify.sh", arguments);
        assert_eq!(ended.code, 2, "{arguments:?}");
        assert!(ended.err.contains(words), "{}", ended.err);
    }
    let said = place.run("scripts/verify.sh", &["--help"]).succeeds();
    assert!(said.contains("Usage: verify.sh"), "{said}");
    let said = place
        .run("scripts/verify.sh", &["release", "dist", "--dry-run"])
        .succeeds();
    assert!(
        said.contains("would verify release dist: signed by the pipeline"),
        "{said}"
    );
    place
        .run("scripts/verify.sh", &["release", "dist"])
        .fails("SHA256SUMS is not here");
}
