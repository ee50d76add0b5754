//! Builds, by real cargos.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::cast::Cast;
use super::stage::Stage;

/// Keeps a compiler busy for minutes, and no longer, should nobody end it.
const LONG: &str = "#![allow(long_running_const_eval)]
pub const LONG: u64 = {
    let mut number = 0u64;
    while number < 20_000_000_000 {
        number += 1;
    }
    number
};
";

/// A build script that does nothing until the gate opens.
pub(super) const SLEEPS: &str = r#"
fn main() {
    let gate = std::path::PathBuf::from(std::env::var_os("LOCKWATCH_TEST_GATE").expect("is set"));
    std::fs::write(gate.with_file_name("gate-reached"), "").expect("says so");
    let parent = std::os::unix::process::parent_id();
    // Where the test was killed nobody opens the gate.
    let test = std::env::var("LOCKWATCH_TEST_PID").expect("is set");
    let lives = |pid: &str| std::path::Path::new("/proc").join(pid).exists();
    let is_watched = || lives(&test) || !lives("self");
    while gate.exists() && is_watched() && std::os::unix::process::parent_id() == parent {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}
"#;

fn write(path: &Path, content: &str) {
    std::fs::write(path, content).expect("writes");
}

/// A real rustc with a constant that takes long.
pub(super) fn compile(stage: &Stage) -> Cast {
    let project = stage.place().project("long", "", None);
    write(&project.join("src/lib.rs"), LONG);
    Cast::of(stage.start(&mut stage.cargo(&project, &["build"])))
}

/// A real rustc that waits for a linker, which is busy.
pub(super) fn link(stage: &Stage) -> Cast {
    let project = stage.place().project("linked", "", None);
    write(&project.join("src/main.rs"), "fn main() {}");
    let linking = stage.made("linking");
    let mut cargo = stage.cargo(&project, &["build"]);
    cargo.env("RUSTFLAGS", format!("-Clinker={}", stage.program("cc").display()));
    stage.casts(&mut cargo, "cc", &[&format!("busy {}", linking.display()), "sit"]);
    Cast::of(stage.start(&mut cargo))
}

/// A build script that sleeps.
pub(super) fn build_script_sleeps(stage: &Stage) -> Cast {
    let project = stage.place().project("sleeps", "", Some(SLEEPS));
    Cast::of(stage.start(&mut stage.cargo(&project, &["build"])))
}

/// A compiler wrapper that waits for a worker outside of the tree: a thread of the test, which puts files into the profile's
/// folder while it is told to.
pub(super) fn compiled_elsewhere(stage: &Stage) -> Cast {
    let project = stage.place().project("elsewhere", "", None);
    let mut cargo = stage.cargo(&project, &["build"]);
    cargo.env("RUSTC_WRAPPER", stage.program("sccache"));
    stage.casts(&mut cargo, "sccache", &["compile-except elsewhere", "sit"]);
    let worker = Worker::new(&project.join("target/debug/deps"));
    let (begins, ends) = (worker.works.clone(), worker.works.clone());
    let cast = Cast::of(stage.start(&mut cargo)).with(worker);
    cast.then(move || begins.store(true, Ordering::Relaxed))
        .then(move || ends.store(false, Ordering::Relaxed))
}

/// Puts files into a folder, ten a second.
struct Worker {
    works: Arc<AtomicBool>,
    ends: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Worker {
    fn new(folder: &Path) -> Self {
        let (works, ends) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (folder, is_told, has_to_end) = (folder.to_owned(), works.clone(), ends.clone());
        let thread = std::thread::spawn(move || {
            for number in 0.. {
                if has_to_end.load(Ordering::Relaxed) {
                    return;
                }
                if is_told.load(Ordering::Relaxed) {
                    // Not every layout of a profile has it.
                    std::fs::create_dir_all(&folder).expect("makes the folder");
                    write(&folder.join(format!("elsewhere-{number}.o")), "");
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self {
            works,
            ends,
            thread: Some(thread),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(std::thread::JoinHandle::join));
    }
}
