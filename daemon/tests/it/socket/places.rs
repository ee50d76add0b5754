//! What may lie where the daemon's files belong, and a second daemon.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use libtest_mimic::Trial;
use lockwatch::client::Client;
use lockwatch::private_folder::FolderError;
use lockwatch::server::{BindError, End, Limits, Second, Server};
use rustix::fs::FlockOperation;

use super::daemon::{Daemon, folders};
use super::{OTHER_USER, trial, trial_of_root};
use crate::support::{PATIENCE, folder, until};

const AT_ONCE: Second = Second::GivesUp {
    patience: Duration::ZERO,
};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("the_files_are_for_this_user_alone", the_files_are_for_this_user_alone),
        trial("a_socket_left_by_a_crash", a_socket_left_by_a_crash),
        trial(
            "something_else_in_the_place_of_a_file",
            something_else_in_the_place_of_a_file,
        ),
        trial("a_folder_that_is_open_to_others", a_folder_that_is_open_to_others),
        trial_of_root("a_folder_of_somebody_else", a_folder_of_somebody_else),
        trial(
            "a_second_daemon_says_that_there_is_one",
            a_second_daemon_says_that_there_is_one,
        ),
        trial(
            "a_second_daemon_beside_one_that_does_not_answer",
            a_second_daemon_beside_one_that_does_not_answer,
        ),
        trial(
            "a_second_daemon_that_waits_takes_over",
            a_second_daemon_that_waits_takes_over,
        ),
        trial(
            "a_second_daemon_after_the_lock_file_was_removed",
            a_second_daemon_after_the_lock_file_was_removed,
        ),
    ]
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("is there").permissions().mode() & 0o7777
}

fn open_to(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("sets the mode");
}

fn the_files_are_for_this_user_alone() {
    let home = folder();
    let folders = folders(&home.path().join("new"));
    let server = Server::bind(&folders, AT_ONCE).expect("binds");
    assert_eq!(mode(&folders.runtime), 0o700);
    assert_eq!(mode(server.path()), 0o600);
    assert_eq!(mode(&folders.daemon_lock()), 0o600);
}

fn a_socket_left_by_a_crash() {
    let home = folder();
    let folders = folders(home.path());
    let path = folders.socket().expect("is short");
    drop(UnixListener::bind(&path).expect("binds"));
    std::fs::write(folders.daemon_lock(), "4711\n").expect("writes");
    assert!(path.symlink_metadata().expect("is left").file_type().is_socket());
    // A process that another test starts at this moment has the listener too, until it becomes its program.
    until("nobody listens", || {
        Client::connect(&folders).expect("is no error").is_none().then_some(())
    });
    let daemon = Daemon::start_in(folders, Limits::default(), AT_ONCE);
    assert!(daemon.client().is_answered());
}

/// Puts something in a place; the first path is that of a file.
type Maker = fn(&Path, &Path);

fn something_else_in_the_place_of_a_file() {
    let home = folder();
    let precious = home.path().join("precious");
    std::fs::write(&precious, "precious").expect("writes");
    let file: Maker = |precious, place| std::fs::hard_link(precious, place).expect("links");
    let link: Maker = |precious, place| symlink(precious, place).expect("links");
    let directory: Maker = |_, place| std::fs::create_dir(place).expect("makes it");
    for (number, (make, name)) in [
        (file, "daemon.sock"),
        (link, "daemon.sock"),
        (directory, "daemon.sock"),
        (link, "daemon.lock"),
        (directory, "daemon.lock"),
    ]
    .into_iter()
    .enumerate()
    {
        let folders = folders(&home.path().join(number.to_string()));
        lockwatch::private_folder::make(&folders.runtime).expect("makes it");
        let place = folders.runtime.join(name);
        make(&precious, &place);
        let error = Server::bind(&folders, AT_ONCE).expect_err("is in the way").to_string();
        assert!(error.contains(&place.display().to_string()), "{error}");
        assert!(place.symlink_metadata().is_ok(), "it stays");
    }
    assert_eq!(std::fs::read(&precious).expect("stays"), b"precious");
}

fn a_folder_that_is_open_to_others() {
    let home = folder();
    open_to(home.path(), 0o755);
    let error = Server::bind(&folders(home.path()), AT_ONCE).expect_err("is too open");
    assert!(
        matches!(error, BindError::Folder(FolderError::TooOpen { .. })),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains(&format!("chmod 700 '{}'", home.path().display()))
    );
    assert_eq!(
        std::fs::read_dir(home.path()).expect("reads").count(),
        0,
        "nothing is put there"
    );
}

fn a_folder_of_somebody_else() {
    let home = folder();
    std::os::unix::fs::chown(home.path(), Some(OTHER_USER), None).expect("gives it away");
    let error = Server::bind(&folders(home.path()), AT_ONCE).expect_err("is somebody else's");
    assert!(
        matches!(error, BindError::Folder(FolderError::OtherOwner { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("belongs to user 65534"), "{error}");
    assert_eq!(
        std::fs::read_dir(home.path()).expect("reads").count(),
        0,
        "nothing is put there"
    );
}

fn a_second_daemon_says_that_there_is_one() {
    let daemon = Daemon::start(Limits::default());
    let second = Server::bind(&daemon.folders, Second::GivesUp { patience: PATIENCE });
    let error = second.expect_err("there is one");
    assert!(
        matches!(error, BindError::AlreadyRunning(ref other) if other.pid == std::process::id()),
        "{error}"
    );
    assert!(daemon.client().is_answered(), "the first one is left alone");
}

fn a_second_daemon_beside_one_that_does_not_answer() {
    let home = folder();
    let folders = folders(home.path());
    std::fs::write(folders.daemon_lock(), "4711\n").expect("writes");
    let lock = std::fs::File::open(folders.daemon_lock()).expect("opens");
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).expect("locks");
    let _silent = UnixListener::bind(folders.socket().expect("is short")).expect("binds");
    let error = Server::bind(&folders, AT_ONCE).expect_err("it is there");
    assert!(
        matches!(error, BindError::NotAnswering { pid: Some(4711), .. }),
        "{error}"
    );
}

fn a_second_daemon_that_waits_takes_over() {
    let mut first = Daemon::start(Limits::default());
    let folders = first.folders.clone();
    let second = std::thread::spawn(move || Daemon::start_in(folders, Limits::default(), Second::Waits));
    let inode = std::os::unix::fs::MetadataExt::ino(&first.folders.daemon_lock().metadata().expect("is there"));
    until("it waits", || {
        let locks = std::fs::read_to_string("/proc/locks").ok();
        // Where the system does not tell who waits, the second one may come at any time.
        let waits = |line: &str| line.contains("->") && line.contains(&format!(":{inode} "));
        locks.is_none_or(|locks| locks.lines().any(waits)).then_some(())
    });
    assert!(first.client().is_answered());
    assert_eq!(first.stop(End::Asked), End::Asked);
    let second = second.join().expect("takes over");
    assert!(second.client().is_answered());
}

/// The lock says nothing then, but the first one answers.
fn a_second_daemon_after_the_lock_file_was_removed() {
    let daemon = Daemon::start(Limits::default());
    std::fs::remove_file(daemon.folders.daemon_lock()).expect("removes it");
    let error = Server::bind(&daemon.folders, AT_ONCE).expect_err("there is one");
    assert!(matches!(error, BindError::AlreadyRunning(_)), "{error}");
    assert!(daemon.client().is_answered());
}
