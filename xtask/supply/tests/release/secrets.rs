//! Canaries: secrets that are planted where nobody else's are, and are found there. They are put together
//! here, so that none is in this repository.

use std::fs;

use crate::place::{Place, workspace};

/// Some that could slip in. Each is made up.
fn canaries() -> Vec<(&'static str, String)> {
    let random = "q7Rk2LxV9sTn4WzB8mYc3HdJ6pGf1KaE5uNoXtQbMvS";
    let key: String = [
        "-----BEGIN RSA ",
        "PRIVATE KEY-----\n",
        &format!("MIIEpAIBAAKCAQEA{random}{random}\n{random}{random}\n"),
        "-----END RSA ",
        "PRIVATE KEY-----\n",
    ]
    .concat();
    vec![
        (
            "techcommerce-token",
            format!("export KEY=tck{}{}", "_", &random[..43]),
        ),
        ("github-pat", format!("token: ghp{}{}", "_", &random[..36])),
        ("private-key", key),
    ]
}

#[test]
fn a_canary_is_found_in_files_and_in_history() {
    let mut place = Place::new();
    let scan = |place: &Place, history| {
        let found = techcommerce_supply::secrets::scan(&workspace(), &place.repository(), history);
        found
            .unwrap()
            .into_iter()
            .map(|found| format!("{found}"))
            .collect::<Vec<_>>()
    };
    let clean = (scan(&place, false), scan(&place, true));
    assert_eq!(clean, (vec![], vec![]), "what these tests start from");
    for (rule, canary) in canaries() {
        let file = place.repository().join("docs.md");
        fs::write(&file, format!("Some text.\n{canary}\n")).unwrap();
        let found = scan(&place, false);
        assert!(
            found
                .iter()
                .any(|it| it.contains(rule) && it.contains("docs.md:2")),
            "{rule}: {found:?}"
        );
        assert!(
            !found.concat().contains(&canary[8..]),
            "the report shows the secret"
        );
        place.commit("Planted");
        fs::remove_file(file).unwrap();
        place.commit("Removed, too late");
        assert_eq!(scan(&place, false), [""; 0]);
        let found = scan(&place, true);
        assert!(
            found.iter().any(|it| it.contains(rule)),
            "{rule}: {found:?}"
        );
    }
}

#[test]
fn a_crate_with_a_known_flaw_is_found() {
    let root = workspace();
    let Some(database) = techcommerce_supply::advisories::database(&root) else {
        // The step says in its summary that there is none.
        return;
    };
    let database = techcommerce_supply::advisories::unpacked(&root, &database).unwrap();
    let place = Place::new();
    let lock = place.path("Cargo.lock");
    // RUSTSEC-2020-0071.
    let text = "version = 4\n\n[[package]]\nname = \"time\"\nversion = \"0.1.43\"\n\
        source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    fs::write(&lock, text).unwrap();
    let (count, found) = techcommerce_supply::advisories::audit(&root, &database, &lock).unwrap();
    assert_eq!(count, 1);
    assert!(
        found
            .iter()
            .any(|it| it.wrong.contains("RUSTSEC-2020-0071")),
        "{found:?}"
    );
}
