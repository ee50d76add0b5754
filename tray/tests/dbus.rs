//! The real program on a session bus of its own, as a desktop sees it: its icon, its tooltip, its menu.
//!
//! This program is its own helper: started as `dbus bus …` it is the bus, as `dbus hold …` it holds a lock, as `dbus daemon`
//! it is the real daemon. Everything ends with it, and no test needs a display or a system package. Other programs of this machine may hold Cargo locks
//! meanwhile, so the tests ask for their own rows, and for an icon that fits what the menu says.

#[cfg(target_os = "linux")]
#[path = "dbus/build.rs"]
mod build;
#[cfg(target_os = "linux")]
#[path = "dbus/desktop.rs"]
mod desktop;
#[cfg(target_os = "linux")]
#[path = "dbus/helper.rs"]
mod helper;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "the tests need the shapes, and not how big they are")]
#[path = "../src/icon.rs"]
mod icon;
#[cfg(target_os = "linux")]
#[path = "dbus/trials.rs"]
mod trials;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().and_then(|first| first.into_string().ok()).as_deref() {
        Some("bus") => helper::bus(&arguments.next().expect("an address")),
        Some("hold") => helper::hold(&arguments.next().expect("a path")),
        Some("daemon") => return lockwatch::cli::main(std::env::args_os()),
        _ => libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials::all()).exit(),
    }
    std::process::ExitCode::SUCCESS
}

/// The bus is Linux's; what is pure is tested everywhere.
#[cfg(not(target_os = "linux"))]
fn main() {}
