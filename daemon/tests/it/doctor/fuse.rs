//! A file system that a program serves, with nothing in it: where locks depend on a driver.

use std::ffi::{OsStr, OsString};
use std::process::{Command, exit};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{Config, Errno, FileAttr, FileHandle, FileType, Filesystem, INodeNo, ReplyAttr, ReplyEntry, Request};

/// `on-fuse FOLDER PROGRAM ARGUMENT...`: mounts one there, runs the program, and ends as that does. Where it cannot mount it
/// says so with that word.
#[expect(clippy::exit, reason = "it ends as the program did")]
pub(crate) fn on_fuse(arguments: &[OsString]) {
    let mounted = fuser::spawn_mount(Empty, &arguments[0], &Config::default())
        .unwrap_or_else(|error| panic!("cannot mount: {error}"));
    let status = Command::new(&arguments[1])
        .args(&arguments[2..])
        .status()
        .expect("runs");
    mounted.umount_and_join().expect("is taken away");
    exit(status.code().unwrap_or(1));
}

struct Empty;

/// As long as the program runs nothing changes.
const VALID: Duration = Duration::from_mins(2);

impl Filesystem for Empty {
    fn getattr(&self, request: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let root = FileAttr {
            ino: number,
            size: 0,
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: FileType::Directory,
            perm: 0o700,
            nlink: 2,
            uid: request.uid(),
            gid: request.gid(),
            rdev: 0,
            blksize: 512,
            flags: 0,
        };
        reply.attr(&VALID, &root);
    }

    fn lookup(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEntry) {
        reply.error(Errno::ENOENT);
    }
}
