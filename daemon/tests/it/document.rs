//! Real output against the published schema.

use std::ffi::OsStr;

use libtest_mimic::Trial;

use crate::support::{folder, helper, holder, lockwatch, until_seen, waiter};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("document::real_output_fits_the_schema", || {
            real_output_fits_the_schema();
            Ok(())
        }),
        Trial::test("document::the_schema_refuses_what_is_wrong", || {
            the_schema_refuses_what_is_wrong();
            Ok(())
        }),
    ]
}

fn schema() -> jsonschema::Validator {
    let schema = serde_json::from_str(include_str!("../../schema/state-1.schema.json")).expect("is JSON");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("is a schema")
}

fn document(arguments: &[&str]) -> serde_json::Value {
    let output = lockwatch().args(arguments).output().expect("runs");
    serde_json::from_slice(&output.stdout).expect("is JSON")
}

/// What the schema has against a document.
pub(crate) fn complaints(document: &serde_json::Value) -> Vec<String> {
    schema()
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn real_output_fits_the_schema() {
    let home = folder();
    let (path, shared) = (
        home.path().join(".package-cache"),
        home.path().join(".package-cache-mutate"),
    );
    let _front = holder("exclusive", &path);
    let _behind = waiter("exclusive", &path);
    let _shared = holder("shared", &shared);
    let mut opener = helper([OsStr::new("open"), path.as_ref()]);
    opener.line();
    until_seen(&path, 1, 1);
    for arguments in [&["status", "--json"][..], &["status", "--json", "--all"]] {
        let document = document(arguments);
        assert_eq!(complaints(&document), Vec::<String>::new());
        assert!(document["locks"].as_array().is_some_and(|locks| locks.len() >= 2));
    }
}

fn the_schema_refuses_what_is_wrong() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let _front = holder("exclusive", &path);
    until_seen(&path, 1, 0);
    let good = document(&["status", "--json"]);
    let wrong: [(&str, serde_json::Value); 6] = [
        ("/schema_version", 2.into()),
        ("/source", "guess".into()),
        ("/as_of", "yesterday".into()),
        ("/locks/0/kind", "unheard-of".into()),
        ("/locks/0/holders/0/token", 7.into()),
        ("/locks/0/holders/0/verdict/class", "fine".into()),
    ];
    for (place, value) in wrong {
        let mut bad = good.clone();
        *bad.pointer_mut(place).expect("is there") = value;
        assert!(!complaints(&bad).is_empty(), "{place}");
    }
    for field in ["summary", "locks", "notes", "precision", "generation"] {
        let mut bad = good.clone();
        bad.as_object_mut().expect("is one").remove(field);
        assert!(!complaints(&bad).is_empty(), "{field}");
    }
}
