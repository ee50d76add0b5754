use super::*;

const EXAMPLE: &str = include_str!("../../../packaging/config.example.toml");

fn parse(content: &str) -> Result<(Config, Vec<String>), ConfigError> {
    Config::parse(content, Path::new("/etc/config.toml"), Some(Path::new("/home/me")))
}

fn config(content: &str) -> Config {
    let (config, warnings) = parse(content).expect("is allowed");
    assert_eq!(warnings, [""; 0]);
    config
}

fn problem(content: &str) -> String {
    parse(content).expect_err("is not allowed").to_string()
}

/// The example with its keys in force: what stands behind `#` without a blank.
fn example_in_force() -> String {
    let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase()) => key,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_has_every_key_with_its_default() {
    assert_eq!(config(EXAMPLE), Config::default());
    let in_force = example_in_force();
    assert_eq!(config(&in_force), Config::default());
    let table: toml::Table = toml::from_str(&in_force).expect("is TOML");
    let mut keys = Vec::new();
    for (section, value) in &table {
        match value {
            toml::Value::Table(inner) => keys.extend(inner.keys().map(|key| format!("{section}.{key}"))),
            _ => keys.push(section.clone()),
        }
    }
    // All that `Config` has: the compiler says here when a field is new.
    let Config {
        cargo_homes: _,
        history: Retention { days: _, megabytes: _ },
        thresholds:
            Thresholds {
                moving: _,
                prompt: _,
                orphaned: _,
                no_progress: _,
                no_progress_with_child: _,
                download: _,
            },
        stop: Stop { grace: _, programs: _ },
        notifications: Notifications { enabled: _, after: _ },
        tray: Tray { title: _ },
    } = Config::default();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "cargo_homes",
            "history.days",
            "history.megabytes",
            "notifications.after",
            "notifications.enabled",
            "stop.grace",
            "stop.programs",
            "thresholds.download",
            "thresholds.moving",
            "thresholds.no_progress",
            "thresholds.no_progress_with_child",
            "thresholds.orphaned",
            "thresholds.prompt",
            "tray.title",
        ]
    );
}

#[test]
fn what_is_allowed() {
    assert_eq!(config(""), Config::default());
    let grace = |text: &str| config(&format!("[stop]\ngrace = {text}")).stop.grace;
    for (text, milliseconds) in [
        ("7", 7_000),
        ("1.5", 1_500),
        ("\"90s\"", 90_000),
        ("\"1m 30s\"", 90_000),
        ("\"1h\"", 3_600_000),
        ("\"PT20S\"", 20_000),
    ] {
        assert_eq!(grace(text), Duration::from_millis(milliseconds), "{text}");
    }
    let homes = config("cargo_homes = ['~/cargo', '/srv/cargo', '~']").cargo_homes;
    assert_eq!(homes, ["/home/me/cargo", "/srv/cargo", "/home/me"].map(PathBuf::from));
    let config = config("stop.programs = ['just']\nhistory = { days = 7 }\nnotifications.enabled = false");
    assert_eq!(config.stop.programs, ["just"]);
    assert_eq!((config.history.days, config.history.megabytes), (7, 64));
    assert!(!config.notifications.enabled);
}

#[test]
fn what_is_not_allowed_is_named_with_its_line_and_what_is() {
    for (content, said) in [
        (
            "[stop]\n  grace = -1 # never\n",
            "the configuration /etc/config.toml, line 2, `grace = -1 # never`: allowed are 1s to 1h, in seconds (5) or \
             with a unit (\"15m\")",
        ),
        ("stop.grace = 0", "allowed are 1s to 1h"),
        ("stop.grace = \"2h\"", "allowed are 1s to 1h"),
        ("stop.grace = \"soon\"", "allowed are 1s to 1h"),
        ("stop.grace = \"-5s\"", "allowed are 1s to 1h"),
        ("stop.grace = nan", "allowed are 1s to 1h"),
        ("stop.grace = inf", "allowed are 1s to 1h"),
        (
            "stop.grace = true",
            "expected a duration, in seconds (5) or with a unit (\"15m\")",
        ),
        (
            "thresholds.moving = \"25h\"",
            "`thresholds.moving = \"25h\"`: allowed are 1s to 24h",
        ),
        ("history.days = 0", "allowed are 1 to 3650 days"),
        ("history.days = -3", "allowed are 1 to 3650 days"),
        ("history.days = 9223372036854775807", "allowed are 1 to 3650 days"),
        (
            "history.days = \"30\"",
            "invalid type: string \"30\", expected a whole number, 1 to 3650 days",
        ),
        ("history.megabytes = 5000", "allowed are 1 to 4096 megabytes"),
        ("notifications.enabled = 1", "expected a boolean"),
        ("cargo_homes = '/x'", "expected a sequence"),
        ("cargo_homes = ['x']", "allowed are folders with their whole path"),
        (
            "cargo_homes = ['~other/x']",
            "allowed are folders with their whole path",
        ),
        ("stop.programs = ['/bin/sh']", "allowed are names of programs"),
        ("stop = 3", "line 1, `stop = 3`: "),
        ("\n\n[stop\ngrace", "line 3, `[stop`: "),
        ("a = \"\x1b[31m", r#"`a = "\u{1b}[31m`"#),
        (
            "stop.grace = 1\nstop.grace = 2",
            "line 2, `stop.grace = 2`: duplicate key",
        ),
    ] {
        let problem = problem(content);
        assert!(problem.contains(said), "{content}: {problem}");
        assert!(!problem.contains(char::is_control), "{problem}");
    }
}

#[test]
fn unknown_keys_are_named_with_their_full_path() {
    let (config, warnings) =
        parse("new = 1\n[stop]\ngrase = 3\ngrace = 4\n[stop.deep]\n\"a\\u001b\" = 1").expect("is allowed");
    assert_eq!(config.stop.grace, Duration::from_secs(4));
    assert_eq!(
        warnings,
        ["new", "stop.deep", "stop.grase"]
            .map(|key| format!("`{key}` in /etc/config.toml is no key that this lockwatch knows, and is passed over"))
    );
}

#[test]
fn a_file_that_is_missing_unreadable_or_no_text() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let path = folder.path().join("config.toml");
    assert_eq!(
        Config::load(&path).expect("has defaults"),
        (Config::default(), Vec::new())
    );
    std::fs::write(&path, "[history]\ndays = 3").expect("writes");
    assert_eq!(Config::load(&path).expect("reads").0.history.days, 3);
    std::fs::write(&path, b"a = '\xff'").expect("writes");
    let error = Config::load(&path).expect_err("is no text").to_string();
    assert!(error.contains("config.toml cannot be read: "), "{error}");
    let error = Config::load(folder.path()).expect_err("is a folder").to_string();
    assert!(error.contains(" cannot be read: "), "{error}");
}

#[test]
fn a_tilde_needs_a_home() {
    let error = Config::parse("cargo_homes = ['~/x']", Path::new("c"), None).expect_err("has none");
    assert!(error.to_string().contains("set HOME"), "{error}");
    let whole = Config::parse("cargo_homes = ['/x']", Path::new("c"), None).expect("needs none");
    assert_eq!(whole.0.cargo_homes, [PathBuf::from("/x")]);
}
