//! A cluster with a shop of seven services, that remembers which image each of them has.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::deploy_tests::double::{Machine, Run};

pub const OLD: &str = "1111111111111111111111111111111111111111111111111111111111111111";
pub const NEW: &str = "2222222222222222222222222222222222222222222222222222222222222222";

pub const SERVICES: [&str; 7] = [
    "api",
    "auth",
    "frontend",
    "images",
    "order-api",
    "product-api",
    "worker",
];

/// Which release the seven have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    Old,
    New,
    Nothing,
    /// Some have one and some the other: what must never be.
    Between,
}

/// Manifests as `scripts/render.sh` writes them, cut down to what matters here.
pub fn manifests(digest: &str) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: techcommerce-{short}\ndata:\n  \
         TECHCOMMERCE_ORDERS_PAYMENT_METHODS: test\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata:\n  name: hidden\ndata:\n  password: aGlkZGVu\n---\n\
         apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate-{short}\n---\n\
         apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: postgres\n",
        short = &digest[..5]
    );
    for service in SERVICES {
        text += &format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  labels:\n    name: not-this\n  \
             name: {service}\nspec:\n  template:\n    spec:\n      containers:\n      - args:\n        \
             - serve\n        image: {}\n",
            image(digest)
        );
    }
    text
}

pub fn image(digest: &str) -> String {
    format!("ghcr.io/techcommerce/techcommerce@sha256:{digest}")
}

/// The machine, and the cluster as it was before each run.
pub struct Shop {
    pub machine: Machine,
    before: BTreeMap<String, Vec<u8>>,
}

impl Shop {
    /// A cluster where nothing is yet.
    pub fn empty() -> Self {
        let machine = Machine::new().remembering();
        machine.put("old.yaml", &manifests(OLD));
        machine.put("new.yaml", &manifests(NEW));
        Self {
            machine,
            before: BTreeMap::new(),
        }
    }

    /// One that runs release 1, the old one, as this script brought it.
    pub fn new() -> Self {
        let mut shop = Self::empty();
        shop.release("old.yaml", &[], None).succeeds();
        shop.keep();
        shop
    }

    /// One that runs release 2, the new one, and ran release 1 before.
    pub fn updated() -> Self {
        let mut shop = Self::new();
        shop.release("new.yaml", &[], None).succeeds();
        shop.keep();
        shop
    }

    /// From now on each run begins with the cluster as it is.
    pub fn keep(&mut self) {
        self.before = fs::read_dir(self.cluster())
            .expect("the cluster")
            .map(|entry| entry.expect("an entry"))
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, fs::read(entry.path()).expect("a file"))
            })
            .collect();
    }

    pub fn reset(&self) {
        let _ = fs::remove_dir_all(self.cluster());
        fs::create_dir_all(self.cluster()).expect("a folder");
        for (name, bytes) in &self.before {
            fs::write(self.cluster().join(name), bytes).expect("a file");
        }
        for entry in fs::read_dir(self.machine.root().join("k8s")).expect("k8s") {
            let entry = entry.expect("an entry");
            if entry.file_name().to_string_lossy().starts_with(".deploy") {
                fs::remove_dir_all(entry.path()).expect("a workplace");
            }
        }
    }

    fn cluster(&self) -> PathBuf {
        self.machine.folder().join("cluster")
    }

    pub fn file(&self, name: &str) -> String {
        self.machine.folder().join(name).display().to_string()
    }

    /// Brings a release; the signature has a test of its own.
    pub fn release(&self, file: &str, more: &[&str], wrong: Option<(usize, &str)>) -> Run {
        let file = self.file(file);
        let usual = ["--manifests", &file, "--no-verify", "--revision", "abcdef0"];
        let arguments = [usual.as_slice(), more].concat();
        self.machine
            .run_wrong("scripts/release.sh", &arguments, wrong)
    }

    pub fn rollback(&self, more: &[&str], wrong: Option<(usize, &str)>) -> Run {
        let usual = ["--namespace", "shop", "--no-verify"];
        let arguments = [usual.as_slice(), more].concat();
        self.machine
            .run_wrong("scripts/rollback.sh", &arguments, wrong)
    }

    /// What the seven have at this moment.
    pub fn has(&self) -> Has {
        let mut seen = SERVICES.map(|service| {
            let text = self.machine.read(&format!("cluster/Deployment.{service}"));
            match text.trim() {
                "" => Has::Nothing,
                text if text == image(OLD) => Has::Old,
                text if text == image(NEW) => Has::New,
                other => panic!("{service} has {other}"),
            }
        });
        seen.sort_by_key(|has| *has as u8);
        if seen[0] == seen[6] {
            seen[0]
        } else {
            Has::Between
        }
    }

    /// A line of the ConfigMap `releases`.
    pub fn says(&self, key: &str) -> String {
        let text = self.machine.read("cluster/ConfigMap.releases");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{key} ")));
        line.unwrap_or_default().to_owned()
    }
}

/// The last line that was said to whoever looks: on standard error if it failed.
pub fn last_words(run: &Run) -> String {
    let text = if run.ok { &run.out } else { &run.err };
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or_default().to_owned()
}
