//! Images are signed and verified in a registry of their own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::place::{Ended, Place, cosign, workspace};

/// Debian's registry on loopback; ended when dropped.
struct Registry {
    server: Child,
    address: String,
}

impl Registry {
    fn start(place: &Place) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let config = place.path("registry.yml");
        let data = place.path("registry");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{address}\"}}\n",
            data.display()
        );
        fs::write(&config, text).unwrap();
        let program = techcommerce_supply::tools::find(&workspace(), "docker-registry").unwrap();
        let server = Command::new(program)
            .arg("serve")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let registry = Self { server, address };
        let begin = Instant::now();
        while TcpStream::connect(&registry.address).is_err() {
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "the registry does not start"
            );
            std::thread::yield_now();
        }
        registry
    }

    /// Something with a digest, as good as an image for who signs: its name by digest.
    fn upload(&self, place: &Place, content: &str) -> String {
        let file = place.path("content");
        fs::write(&file, content).unwrap();
        let name = format!("{}/techcommerce", self.address);
        let uploaded = Command::new(cosign())
            .args(["upload", "blob", "--files"])
            .arg(&file)
            .arg(format!("{name}:latest"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&uploaded.stdout).into_owned();
        assert!(
            uploaded.status.success(),
            "{}",
            String::from_utf8_lossy(&uploaded.stderr)
        );
        let digest = said
            .split("@sha256:")
            .nth(1)
            .unwrap_or_else(|| panic!("no digest in {said}"));
        format!("{name}@sha256:{}", &digest[..64])
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn sign(place: &Place, image: &str, key: &str) -> Ended {
    let digest = image.split_once('@').unwrap().1;
    let parts = place.path("parts.json");
    let text = format!(
        "{{\"bomFormat\": \"CycloneDX\", \"metadata\": {{\"component\": {{\"version\": \"{digest}\"}}}}}}"
    );
    fs::write(&parts, text).unwrap();
    place.run(
        "scripts/release/sign_image.sh",
        &[image, "--sbom", parts.to_str().unwrap(), "--key", key],
    )
}

fn verify(place: &Place, image: &str, public: &str, more: &[&str]) -> Ended {
    place.run(
        "scripts/verify.sh",
        &[&["image", image, "--key", public], more].concat(),
    )
}

#[test]
fn an_image_is_verified_by_its_digest() {
    let mut place = Place::new();
    let registry = Registry::start(&place);
    let (key, public) = place.keys("keys");
    let (_, strange) = place.keys("others");
    place.variables = place.runner("cd.yaml", "refs/heads/main");
    let image = registry.upload(&place, "first");
    let commit = place.head();

    verify(&place, &image, &public, &[]).fails("it is not signed by the key");
    sign(&place, &image, &key).succeeds();
    let said = verify(&place, &image, &public, &["--commit", &commit]).succeeds();
    assert!(
        said.contains(&format!("verified {image}, built from {commit}")),
        "{said}"
    );
    // As who deploys writes it.
    place
        .run("scripts/verify.sh", &["--image", &image, "--key", &public])
        .succeeds();
    verify(&place, &image, &strange, &[]).fails("it is not signed by the key");
    let other = "0".repeat(40);
    verify(&place, &image, &public, &["--commit", &other]).fails(&format!("not from {other}"));

    // Another one in the same place, which nobody signed.
    let unsigned = registry.upload(&place, "second");
    assert_ne!(unsigned, image);
    verify(&place, &unsigned, &public, &[]).fails("it is not signed by the key");
    // Signed, but nobody says how it was built.
    let bare = Command::new(cosign())
        .args([
            "sign",
            "--yes",
            "--tlog-upload=false",
            "--key",
            &key,
            &unsigned,
        ])
        .env("COSIGN_PASSWORD", "")
        .output()
        .unwrap();
    assert!(
        bare.status.success(),
        "{}",
        String::from_utf8_lossy(&bare.stderr)
    );
    verify(&place, &unsigned, &public, &[]).fails("it has no provenance that is signed by the key");
    // Built by something else.
    place.variables = place.runner("ci.yaml", "refs/heads/main");
    sign(&place, &unsigned, &key).succeeds();
    verify(&place, &unsigned, &public, &[]).fails("it was not built by the pipeline, but by");
}

#[test]
fn only_a_digest_with_its_own_parts_is_signed() {
    let place = Place::new();
    let (key, _) = place.keys("keys");
    let run = |arguments: &[&str]| place.run("scripts/release/sign_image.sh", arguments);
    run(&["ghcr.io/techcommerce/techcommerce:latest", "--sbom", "x"])
        .fails("not named by its digest");
    let image = format!("127.0.0.1:1/techcommerce@sha256:{}", "0".repeat(64));
    run(&[&image, "--sbom", "nowhere", "--key", &key]).fails("There is no list of parts nowhere");
    fs::write(
        place.path("other.json"),
        "{\"metadata\": {\"component\": {\"version\": \"sha256:1\"}}}",
    )
    .unwrap();
    run(&[&image, "--sbom", "other.json", "--key", &key]).fails("other.json is not of sha256:000");
}
