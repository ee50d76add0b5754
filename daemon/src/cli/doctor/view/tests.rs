use super::*;
use crate::doctor::selftest::Part;

fn part(id: &str, failed: Option<&str>) -> Part {
    Part {
        id: id.to_owned(),
        what: "who holds the lock is named".to_owned(),
        failed: failed.map(str::to_owned),
    }
}

fn test(failed: Option<&str>) -> SelfTest {
    SelfTest {
        passed: failed.is_none(),
        parts: vec![part("holder", failed)],
        taken_to_named_ms: Some(1),
        killed_to_named_ms: Some(2),
        look_us: Some(350),
        precision: Some(Precision::Exact),
        notes: Vec::new(),
    }
}

fn report(self_test: SelfTest, checks: Vec<Check>) -> Report {
    Report::new(Ok(self_test), checks)
}

fn check(name: &str, outcome: Outcome) -> Check {
    Check {
        name: name.to_owned(),
        outcome,
    }
}

fn found() -> Check {
    let finding = Finding {
        id: "root-owned".to_owned(),
        what:
            "the target folder: /home/me/src/parity/target/debug belongs to root, and the folder around it to user 1000"
                .to_owned(),
        why: "most likely a `sudo cargo` made it; your own cargo fails on it with \"Permission denied\"".to_owned(),
        mend: "sudo chown -R 1000 '/home/me/src/parity/target'".to_owned(),
    };
    check(
        "owners",
        Outcome::Found {
            findings: vec![finding],
        },
    )
}

const VIEW: View<'_> = View {
    home: Some("/home/me"),
    width: None,
};

fn text(report: &Report) -> String {
    anstream::adapter::strip_str(&VIEW.render(report)).to_string()
}

#[test]
fn all_in_order() {
    let checks = vec![
        check("room on the disk of /home/me/.cargo", Outcome::Fine),
        check(
            "the daemon's version",
            Outcome::NotChecked {
                reason: "no daemon runs; `lockwatch daemon` starts one".to_owned(),
            },
        ),
    ];
    let report = report(test(None), checks);
    assert!(report.healthy, "what is not checked is no finding");
    insta::assert_snapshot!(text(&report));
}

#[test]
fn a_finding() {
    let report = report(test(None), vec![found()]);
    assert!(!report.healthy);
    insta::assert_snapshot!(text(&report));
}

#[test]
fn the_self_test_failed() {
    let mut failed = test(Some(
        "expected process 7 holds it alone; seen nobody who holds it or waits for it",
    ));
    failed.precision = Some(Precision::Inferred);
    failed.notes = vec!["this is a container".to_owned()];
    let report = report(failed, Vec::new());
    assert!(!report.healthy);
    insta::assert_snapshot!(text(&report));
}

#[test]
fn home_is_shortened_wherever_it_stands() {
    for (long, short) in [
        ("in /home/me/x and '/home/me/y'", "in ~/x and '~/y'"),
        ("/home/me", "~"),
        ("/home/me: no", "~: no"),
        ("/home/melanie/x /mnt/home/me/x", "/home/melanie/x /mnt/home/me/x"),
        ("HOME=/home/me", "HOME=~"),
    ] {
        assert_eq!(VIEW.short(long), short);
    }
}

#[test]
fn the_document_is_read_back() {
    let before = report(test(None), vec![found(), check("x", Outcome::Fine)]);
    let json = serde_json::to_string(&before).expect("is written");
    assert!(
        json.contains(r#""outcome":"found","findings":[{"id":"root-owned""#),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<Report>(&json).expect("is read"), before);
}
