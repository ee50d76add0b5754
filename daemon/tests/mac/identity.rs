//! Files and processes have the same names everywhere, and the kernel's structures the sizes that are expected.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use lockwatch::os::{Kernel as _, System, file_id};
use lockwatch::process::Detail;

use crate::actors::{Ending, How, Locker, Place, private_home, until};

/// The folders of `/tmp` and of the user lie on the data volume, which is joined to the system's by firm links.
#[test]
fn the_file_table_and_stat_name_the_same_file() {
    let mut system = System::new();
    let home = std::env::home_dir().expect("there is one");
    for parent in [Path::new("/tmp"), home.as_path()] {
        let place = Place::under(parent);
        let _holder = Locker::holding(&place.lock, How::Exclusive);
        let table = place.look(&mut system);
        let [file] = table.files.as_slice() else {
            panic!("{table:?}")
        };
        assert_eq!(Some(file.file), file_id(&place.lock), "{}", place.lock.display());
        assert_eq!(file.path, place.lock);
        assert!(!file.deleted);
    }
}

/// Each structure is read whole or not at all, so an answer says that the kernel's has the size that lockwatch expects:
/// `proc_uniqidentifierinfo`, `proc_bsdinfo`, `vnode_fdinfo`, `proc_fdinfo`, `proc_vnodepathinfo`, `kinfo_proc`.
#[test]
fn structures_have_the_expected_sizes() {
    let (place, mut system) = (Place::new(), System::new());
    let locker = Locker::holding(&place.lock, How::Exclusive);
    let process = system.process(locker.pid(), Detail::Full).unwrap();
    assert_eq!(process.parent, std::process::id());
    assert_eq!(process.cwd, std::env::current_dir().ok());
    assert_eq!(process.argv.first().unwrap(), "/usr/bin/perl");
    let launchd = system.process(1, Detail::Lineage).unwrap();
    assert_eq!((launchd.parent, launchd.name.as_str()), (0, "launchd"));
    assert_eq!(place.look(&mut system).files.len(), 1);
}

// The public ones, as `sys/proc_info.h`, `sys/event.h` and `sys/fcntl.h` have them: held wherever this is compiled.
const _: () = {
    assert!(size_of::<libc::proc_bsdinfo>() == 136);
    assert!(size_of::<libc::proc_fdinfo>() == 8);
    assert!(size_of::<libc::vnode_info_path>() == 1176);
    assert!(size_of::<libc::proc_vnodepathinfo>() == 2352);
    assert!(size_of::<libc::kevent64_s>() == 48);
    assert!(size_of::<libc::flock>() == 24);
};

/// macOS tells the environment of a program to its user. That of its own programs it keeps to itself, unless system integrity
/// protection is off, as on some machines for tests.
#[test]
fn the_environment_of_a_program_can_be_read_and_that_of_a_system_program_is_no_error() {
    let (place, mut system) = (Place::new(), System::new());
    let home = private_home(&place);
    let mut own = Command::new(env!("CARGO_BIN_EXE_lockwatch"));
    own.arg("daemon").env("CARGO_HOME", home.join("cargo"));
    let mut shell = Command::new("/bin/zsh");
    shell.args(["-f", "-c", "read; true"]);
    let [own, shell] = [own, shell].map(|mut command| {
        let quiet = command.env("LOCKWATCH_HOME", &home).stdin(Stdio::piped());
        Ending(quiet.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    });
    let expected = BTreeMap::from([("LOCKWATCH_HOME".to_owned(), home.display().to_string())]);
    // Between fork and exec it is this program, with another environment.
    until("the environment", || {
        let found = system.environment(own.0.id(), &["LOCKWATCH_HOME"]);
        (found == expected).then_some(())
    });
    until("the shell", || {
        let process = system.process(shell.0.id(), Detail::Full).ok()?;
        (process.name == "zsh").then_some(())
    });
    let told = system.environment(shell.0.id(), &["LOCKWATCH_HOME"]);
    assert!(told.is_empty() || told == expected, "{told:?}");
}
