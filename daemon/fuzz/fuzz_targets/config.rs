//! The configuration: any text is taken or refused with a line of the file, and what is taken is within its bounds.
#![no_main]

use std::path::Path;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use lockwatch::config::{Config, ConfigError};

fuzz_target!(|content: &str| {
    let path = Path::new("/home/me/config.toml");
    match Config::of_content(content, path, Some(Path::new("/home/me"))) {
        Ok((config, warnings)) => {
            assert!(config.cargo_homes.iter().all(|folder| folder.is_absolute()));
            let thresholds = &config.thresholds;
            for time in [
                thresholds.moving,
                thresholds.prompt,
                thresholds.orphaned,
                thresholds.no_progress,
                thresholds.no_progress_with_child,
                thresholds.download,
                config.notifications.after,
            ] {
                assert!(
                    (Duration::from_secs(1)..=Duration::from_hours(24)).contains(&time),
                    "{time:?}"
                );
            }
            assert!((Duration::from_secs(1)..=Duration::from_hours(1)).contains(&config.stop.grace));
            assert!(
                config
                    .stop
                    .programs
                    .iter()
                    .all(|name| !name.is_empty() && !name.contains('/'))
            );
            assert!((1..=3_650).contains(&config.history.days));
            assert!((1..=4_096).contains(&config.history.megabytes));
            assert!(warnings.iter().all(|warning| is_one_sentence(warning)), "{warnings:?}");
        }
        Err(error) => {
            assert!(is_one_sentence(&error.to_string()), "{error}");
            if let ConfigError::Wrong { line, .. } = error {
                assert!((1..=content.lines().count() + 1).contains(&line), "{line}");
            }
        }
    }
});

fn is_one_sentence(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}
