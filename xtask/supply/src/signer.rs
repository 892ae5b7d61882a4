//! Who signs: what verifies a signature, what admits an image and what signs say the same.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use regex::Regex;
use serde_norway::Value;

use crate::finding::Finding;

const VERIFY: &str = "scripts/verify.sh";
const INSTALL: &str = "packaging/install.sh";
const KYVERNO: &str = "k8s/components/kyverno/signed-images.yaml";
const WORKFLOWS: &str = ".github/workflows";

/// What a workflow that signs is called by, and what makes a signature in one.
const SIGNS: &[&str] = &[
    "scripts/release/sign.sh",
    "scripts/release/sign_image.sh",
    "cosign sign",
    "cosign attest",
];

/// Every text in which it is said who signs.
#[derive(Debug, Clone)]
pub struct Texts {
    /// scripts/verify.sh
    pub verify: String,
    /// packaging/install.sh
    pub install: String,
    /// Kyverno's policy.
    pub kyverno: String,
    /// Workflows by their names.
    pub workflows: Vec<(String, String)>,
}

impl Texts {
    /// Those of the repository.
    ///
    /// # Errors
    /// One of them is not there.
    pub fn read(root: &Path) -> Result<Self> {
        let text =
            |file: &str| fs::read_to_string(root.join(file)).with_context(|| file.to_owned());
        let mut workflows = Vec::new();
        for entry in fs::read_dir(root.join(WORKFLOWS)).context(WORKFLOWS)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            workflows.push((name, fs::read_to_string(entry.path())?));
        }
        workflows.sort();
        Ok(Self {
            verify: text(VERIFY)?,
            install: text(INSTALL)?,
            kyverno: text(KYVERNO)?,
            workflows,
        })
    }
}

/// How many things were compared, and which differ.
///
/// # Errors
/// A text does not have what is compared.
pub fn check(texts: &Texts) -> Result<(usize, Vec<Finding>)> {
    let mut found = Vec::new();
    let identity = quoted(&texts.verify, "identity").context("verify.sh has no identity")?;
    let issuer = quoted(&texts.verify, "issuer").context("verify.sh has no issuer")?;
    for (name, wanted) in [("identity", &identity), ("issuer", &issuer)] {
        let there = quoted(&texts.install, name);
        if there.as_ref() != Some(wanted) {
            found.push(Finding::new(
                INSTALL,
                format!("its {name} is not that of {VERIFY}"),
                format!("{name}='{wanted}'"),
            ));
        }
    }
    let admitted = admitted(&texts.kyverno)?;
    if admitted != [(issuer.clone(), identity.clone())] {
        found.push(Finding::new(
            KYVERNO,
            format!("it admits what is signed by {admitted:?}, and {VERIFY} verifies {identity} of {issuer}"),
            "Admission has to ask for exactly those who sign.",
        ));
    }
    let pattern = Regex::new(&identity)?;
    let signing: Vec<&(String, String)> = texts
        .workflows
        .iter()
        .filter(|(_, text)| SIGNS.iter().any(|what| text.contains(what)))
        .collect();
    for (name, text) in &signing {
        if !REFS.iter().any(|on| pattern.is_match(&subject(name, on))) {
            found.push(Finding::new(
                format!("{WORKFLOWS}/{name}"),
                "it signs, and nobody accepts its signature",
                format!("Name it in the identity of {VERIFY}, {INSTALL} and {KYVERNO}."),
            ));
        }
        if !text.contains("id-token: write") {
            found.push(Finding::new(
                format!("{WORKFLOWS}/{name}"),
                "it signs, and cannot say who it is",
                "Its job needs `permissions: id-token: write`.",
            ));
        }
    }
    for (name, _) in &texts.workflows {
        let signs = signing.iter().any(|(signer, _)| signer == name);
        if !signs && REFS.iter().any(|on| pattern.is_match(&subject(name, on))) {
            found.push(Finding::new(
                format!("{WORKFLOWS}/{name}"),
                "its signature is accepted, and it does not sign",
                format!("Take it out of the identity in {VERIFY}."),
            ));
        }
    }
    for named in ["cd.yaml", "release.yaml"] {
        if identity.contains(&named.replace('.', r"\."))
            && !texts.workflows.iter().any(|(name, _)| name == named)
        {
            found.push(Finding::new(
                VERIFY,
                format!("it accepts {named}, which is not there"),
                "",
            ));
        }
    }
    for stranger in strangers() {
        if pattern.is_match(&stranger) {
            found.push(Finding::new(
                VERIFY,
                format!("it accepts {stranger}"),
                "The identity has to begin with ^ and end with $, with \\ before every dot.",
            ));
        }
    }
    Ok((
        5 + signing.len() * 2 + texts.workflows.len() + strangers().len(),
        found,
    ))
}

/// On what a workflow may sign.
const REFS: &[&str] = &["refs/heads/main", "refs/tags/v1.2.3"];

fn subject(workflow: &str, on: &str) -> String {
    format!("https://github.com/techcommerce/techcommerce/{WORKFLOWS}/{workflow}@{on}")
}

/// Whose signatures must never count.
fn strangers() -> Vec<String> {
    let mut strangers: Vec<String> = [
        "cd.yaml@refs/heads/topic",
        "cd.yaml@refs/pull/7/merge",
        "cd.yaml@refs/tags/v1.2.3",
        "release.yaml@refs/heads/main",
        "release.yaml@refs/heads/v1",
        "ci.yaml@refs/heads/main",
        "cd.yaml@refs/heads/main2",
        "cdxyaml@refs/heads/main",
        "evil/cd.yaml@refs/heads/main",
    ]
    .iter()
    .map(|tail| format!("https://github.com/techcommerce/techcommerce/{WORKFLOWS}/{tail}"))
    .collect();
    strangers.extend(
        [
            "https://github.com/someone/techcommerce/.github/workflows/cd.yaml@refs/heads/main",
            "https://github.com/techcommerce/other/.github/workflows/cd.yaml@refs/heads/main",
            "https://github.community/techcommerce/techcommerce/.github/workflows/cd.yaml@refs/heads/main",
            "https://evil.example/https://github.com/techcommerce/techcommerce/.github/workflows/cd.yaml@refs/heads/main",
            "https://githubxcom/techcommerce/techcommerce/.github/workflows/cd.yaml@refs/heads/main",
        ]
        .map(str::to_owned),
    );
    strangers
}

/// The value of `name='…'` in a script.
fn quoted(script: &str, name: &str) -> Option<String> {
    let start = format!("{name}='");
    let line = script.lines().find_map(|line| line.strip_prefix(&start))?;
    Some(line.strip_suffix('\'')?.to_owned())
}

/// Issuers and subjects of Kyverno's policy.
fn admitted(policy: &str) -> Result<Vec<(String, String)>> {
    let policy: Value = serde_norway::from_str(policy).context(KYVERNO)?;
    let attestors = policy["spec"]["attestors"]
        .as_sequence()
        .context("no attestors")?;
    let identities = attestors.iter().flat_map(|attestor| {
        let identities = attestor["cosign"]["keyless"]["identities"].as_sequence();
        identities.into_iter().flatten()
    });
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(identities
        .map(|it| (text(&it["issuer"]), text(&it["subjectRegExp"])))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Texts {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let text = |file: &str| fs::read_to_string(root.join(file)).unwrap();
        let workflow = |name: &str| {
            let text = "permissions:\n  id-token: write\nrun: scripts/release/sign.sh dist\n";
            (name.to_owned(), text.to_owned())
        };
        Texts {
            verify: text(VERIFY),
            install: text(INSTALL),
            kyverno: text(KYVERNO),
            workflows: vec![workflow("cd.yaml"), workflow("release.yaml")],
        }
    }

    fn places(texts: &Texts) -> Vec<String> {
        check(texts)
            .unwrap()
            .1
            .into_iter()
            .map(|found| found.place)
            .collect()
    }

    #[test]
    fn all_say_the_same() {
        assert_eq!(check(&texts()).unwrap().1, []);
    }

    #[test]
    fn a_policy_that_admits_others_is_found() {
        for (from, to) in [
            ("release\\.yaml@refs/tags/v.+", "release\\.yaml@refs/.+"),
            (
                "https://token.actions.githubusercontent.com",
                "https://accounts.example.com",
            ),
        ] {
            let mut texts = texts();
            texts.kyverno = texts.kyverno.replace(from, to);
            assert_eq!(places(&texts), [KYVERNO], "{to}");
        }
        let mut texts = texts();
        texts.install = texts.install.replace("(cd\\.yaml", "(.+\\.yaml");
        assert_eq!(places(&texts), [INSTALL]);
    }

    #[test]
    fn a_pattern_that_lets_strangers_in_is_found() {
        for (from, to) in [
            ("identity='^", "identity='"),
            ("v.+)$'", "v.+)'"),
            ("github\\.com", "github.com"),
            ("cd\\.yaml", "[a-z]+\\.yaml"),
            ("refs/heads/main|", "refs/heads/.+|"),
        ] {
            let mut texts = texts();
            for text in [&mut texts.verify, &mut texts.install] {
                *text = text.replace(from, to);
            }
            // The policy follows, so that nothing but the pattern is wrong.
            let wanted = quoted(&texts.verify, "identity").unwrap();
            let old = quoted(&self::texts().verify, "identity").unwrap();
            texts.kyverno = texts.kyverno.replace(&old, &wanted);
            // Without its end it lets no stranger of ours in, but one that goes on.
            let found = places(&texts);
            assert!(
                found.contains(&VERIFY.to_owned()) || to == "v.+)'",
                "{to}: {found:?}"
            );
        }
    }

    #[test]
    fn workflows_that_sign_in_vain_or_not_at_all_are_found() {
        let mut other = texts();
        other
            .workflows
            .push(("extra.yaml".into(), other.workflows[0].1.clone()));
        assert_eq!(places(&other), [".github/workflows/extra.yaml"]);
        let mut nameless = texts();
        nameless.workflows[0].1 = "run: scripts/release/sign_image.sh".into();
        assert_eq!(places(&nameless), [".github/workflows/cd.yaml"]);
        let mut idle = texts();
        idle.workflows[1].1 = "run: true".into();
        assert_eq!(places(&idle), [".github/workflows/release.yaml"]);
        let mut gone = texts();
        gone.workflows.pop();
        assert_eq!(places(&gone), [VERIFY]);
    }
}
