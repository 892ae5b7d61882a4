//! Planting mistakes and looking for them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use techcommerce_manifests::checks;
use techcommerce_manifests::object::Object;
use techcommerce_manifests::program::Program;
use techcommerce_manifests::program::answers::Answered;
use techcommerce_manifests::render::Kustomize;
use techcommerce_manifests::rendered::Rendered;

/// One mistake: what is done, and what the check's finding has to contain.
pub struct Plant {
    pub what: &'static str,
    pub plant: fn(&mut Rendered),
    pub finds: &'static [&'static str],
}

pub fn plant(
    what: &'static str,
    plant: fn(&mut Rendered),
    finds: &'static [&'static str],
) -> Plant {
    Plant { what, plant, finds }
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_path_buf()
}

/// A folder of k8s/, rendered.
pub fn rendered(folder: &str) -> Rendered {
    let root = root();
    Kustomize::find(&root)
        .unwrap()
        .render(&root, folder)
        .unwrap()
}

/// The program, as the tests' runner built it, with the answers that its services gave in the tests
/// that run them.
pub fn program() -> Program {
    let root = root();
    let built = std::env::var_os("TECHCOMMERCE_TEST_BINARY").map(PathBuf::from);
    let binary = built.unwrap_or_else(|| root.join("target/debug/techcommerce"));
    let mut program = Program::ask(&binary, &root).unwrap();
    for (service, port) in [
        ("frontend", 3000),
        ("api", 8000),
        ("product-api", 5000),
        ("order-api", 7000),
        ("auth", 5001),
        ("images", 8080),
        ("worker", 8081),
    ] {
        let mut answered = Answered::default();
        for port in [port, 9464] {
            for path in ["/live", "/healthz", "/readyz", "/health"] {
                answered.status.insert((port, path.to_owned()), 200);
            }
        }
        program.answers.0.insert(service.to_owned(), answered);
    }
    program
}

/// Each mistake alone must be found by the check, which finds nothing without it.
pub fn all_found(check: &str, plants: &[Plant]) {
    all_found_in("k8s/overlays/production", check, plants);
}

pub fn all_found_in(folder: &str, check: &str, plants: &[Plant]) {
    let (good, program) = (rendered(folder), program());
    let (_, run) = checks::ALL.iter().find(|(name, _)| *name == check).unwrap();
    let without = run(&good, &program);
    assert!(without.is_empty(), "without any mistake: {without:#?}");
    let mut missed = Vec::new();
    for Plant { what, plant, finds } in plants {
        let mut bad = good.clone();
        plant(&mut bad);
        assert_ne!(bad.objects, good.objects, "{what}: nothing was planted");
        let found: Vec<String> = run(&bad, &program)
            .iter()
            .map(ToString::to_string)
            .collect();
        if !found
            .iter()
            .any(|text| finds.iter().all(|part| text.contains(part)))
        {
            missed.push(format!(
                "{what}: no finding with {finds:?} among {found:#?}"
            ));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// The object `Kind/name`; the hash at a name's end may be left out.
pub fn object<'a>(rendered: &'a mut Rendered, which: &str) -> &'a mut Object {
    let (kind, name) = which.split_once('/').unwrap();
    rendered
        .objects
        .iter_mut()
        .find(|object| {
            let hashed = || {
                object
                    .name
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.len() == 11 && rest.starts_with('-'))
            };
            object.kind == kind && (object.name == name || hashed())
        })
        .unwrap_or_else(|| panic!("there is no {which}"))
}

/// Changes an object; what follows from its content is brought up to date.
pub fn edit(rendered: &mut Rendered, which: &str, change: impl FnOnce(&mut Value)) {
    let object = object(rendered, which);
    let mut value = object.value.clone();
    change(&mut value);
    *object = Object::new(value).unwrap();
}

/// Puts a value at a JSON pointer, making the maps on the way.
pub fn set(rendered: &mut Rendered, which: &str, pointer: &str, value: Value) {
    edit(rendered, which, |object| {
        let mut place = object;
        for part in pointer.trim_start_matches('/').split('/') {
            let part = part.replace("~1", "/");
            if place.is_array() {
                let index: usize = part.parse().unwrap();
                place = &mut place[index];
            } else {
                place = &mut place[part.as_str()];
            }
        }
        *place = value;
    });
}

/// Takes a value away.
pub fn remove(rendered: &mut Rendered, which: &str, pointer: &str) {
    edit(rendered, which, |object| {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/");
        match object.pointer_mut(parent) {
            Some(Value::Object(map)) => drop(map.remove(&key)),
            Some(Value::Array(list)) => drop(list.remove(key.parse().unwrap())),
            _ => panic!("{which} has no {parent}"),
        }
    });
}

/// Takes an object away.
pub fn drop_object(rendered: &mut Rendered, which: &str) {
    let gone = object(rendered, which).clone();
    rendered.objects.retain(|object| *object != gone);
}

/// The pods' only container.
pub const CONTAINER: &str = "/spec/template/spec/containers/0";

/// Changes the container's variable.
pub fn variable(rendered: &mut Rendered, which: &str, name: &str, change: impl FnOnce(&mut Value)) {
    edit(rendered, which, |object| {
        let list = object
            .pointer_mut("/spec/template/spec/containers/0/env")
            .unwrap();
        let list = list.as_array_mut().unwrap();
        let one = list.iter_mut().find(|variable| variable["name"] == name);
        change(one.unwrap_or_else(|| panic!("no {name}")));
    });
}

/// Adds a variable.
pub fn add_variable(rendered: &mut Rendered, which: &str, name: &str, value: &str) {
    edit(rendered, which, |object| {
        let list = object
            .pointer_mut("/spec/template/spec/containers/0/env")
            .unwrap();
        list.as_array_mut()
            .unwrap()
            .push(json!({"name": name, "value": value}));
    });
}
