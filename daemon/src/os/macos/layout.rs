//! How the kernel's structures lie in memory, and the numbers of its interface, as one table.
//!
//! Nothing is mirrored in a Rust struct and nothing is transmuted: the kernel fills a buffer of bytes, and a [`Field`]
//! reads its value at its offset, or nothing where the buffer is too short. Each number stands here once. The same
//! table renders `layout.c`, in which a C compiler compares every size, offset, width and constant with Apple's
//! public headers (`.ci/macos-gate`); a test keeps that file equal to the table. What the headers do not declare is
//! marked private and carries the place in XNU where it is declared.
//!
//! All offsets are those of a 64-bit process, the same on arm64 and `x86_64`.

use std::marker::PhantomData;

#[cfg(test)]
pub(super) mod c;
#[cfg(test)]
mod tests;

/// A value in one of the kernel's structures: where it begins and how wide it is.
pub(super) struct Field<T> {
    offset: usize,
    value: PhantomData<T>,
}

impl<T> Field<T> {
    const fn at(offset: usize) -> Self {
        Self {
            offset,
            value: PhantomData,
        }
    }

    fn bytes<'a>(&self, of: &'a [u8]) -> Option<&'a [u8]> {
        of.get(self.offset..)?.get(..size_of::<T>())
    }
}

impl<const N: usize> Field<[u8; N]> {
    /// The text in it, up to its first NUL, or all of it where it has none.
    pub(super) fn text<'a>(&self, of: &'a [u8]) -> Option<&'a [u8]> {
        let bytes = self.bytes(of)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(N);
        bytes.get(..end)
    }
}

impl<T: Number> Field<T> {
    /// The number in it; `None` where the buffer ends before.
    pub(super) fn read(&self, of: &[u8]) -> Option<T> {
        T::from_bytes(self.bytes(of)?)
    }
}

/// A number in the byte order of this machine.
pub(super) trait Number: Sized {
    /// The number that these bytes are; `None` where there are more or fewer than it has.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;

    /// Writes it, to make what a kernel would have answered.
    #[cfg(test)]
    fn put(self, into: &mut [u8]);
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Number for $type {
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_ne_bytes(bytes.try_into().ok()?))
            }

            #[cfg(test)]
            fn put(self, into: &mut [u8]) {
                into.copy_from_slice(&self.to_ne_bytes());
            }
        }
    )*};
}
numbers! { u8 i16 u16 i32 u32 i64 u64 }

#[cfg(test)]
impl<T: Number> Field<T> {
    /// Sets it, to make what a kernel would have answered.
    pub(super) fn write(&self, to: &mut [u8], value: T) {
        value.put(&mut to[self.offset..self.offset + size_of::<T>()]);
    }
}

#[cfg(test)]
impl<const N: usize> Field<[u8; N]> {
    /// Sets it, to make what a kernel would have answered.
    pub(super) fn write_text(&self, to: &mut [u8], text: &[u8]) {
        to[self.offset..self.offset + text.len()].copy_from_slice(text);
    }
}

/// Where a declaration is to be found.
#[cfg(test)]
pub(super) enum Declared {
    /// In a header of the SDK: `layout.c` compares it.
    Publicly,
    /// In XNU's source alone, at this place.
    Privately(&'static str),
}

/// One structure, for rendering `layout.c`.
#[cfg(test)]
pub(super) struct Struct {
    pub(super) c_name: &'static str,
    pub(super) declared: Declared,
    pub(super) size: usize,
    pub(super) fields: &'static [StructField],
}

/// One field of a structure, for rendering `layout.c`.
#[cfg(test)]
pub(super) struct StructField {
    pub(super) c_name: &'static str,
    pub(super) offset: usize,
    pub(super) width: usize,
}

/// One constant, for rendering `layout.c`.
#[cfg(test)]
pub(super) struct Constant {
    pub(super) c_name: &'static str,
    pub(super) declared: Declared,
    pub(super) value: i64,
}

#[cfg(test)]
macro_rules! declared {
    () => {
        Declared::Publicly
    };
    ($xnu:literal) => {
        Declared::Privately($xnu)
    };
}

/// Each structure becomes a module with its `SIZE` and its fields, and a line of the table for `layout.c`.
macro_rules! structs {
    ($(
        $(#[$doc:meta])*
        $module:ident = $c:literal, $size:literal bytes $(, private in $xnu:literal)? {
            $( $field:ident: $type:ty = $c_field:literal at $offset:literal; )*
        }
    )*) => {
        $(
            $(#[$doc])*
            pub(super) mod $module {
                use super::Field;

                /// The size of the whole in bytes.
                pub(in super::super) const SIZE: usize = $size;
                $(
                    #[doc = concat!("`", $c_field, "`")]
                    pub(in super::super) const $field: Field<$type> = Field::at($offset);
                    const _: () = assert!($field.offset + size_of::<$type>() <= SIZE);
                )*
            }
        )*

        /// All of them.
        #[cfg(test)]
        pub(super) const STRUCTS: &[Struct] = &[$(
            Struct {
                c_name: $c,
                declared: declared!($($xnu)?),
                size: $size,
                fields: &[$(
                    StructField { c_name: $c_field, offset: $offset, width: size_of::<$type>() },
                )*],
            },
        )*];
    };
}

/// Each constant becomes a Rust constant of the same name, and a line of the table for `layout.c`.
macro_rules! constants {
    ($(
        $(#[$doc:meta])*
        $name:ident: $type:ty = $value:literal $(, private in $xnu:literal)?;
    )*) => {
        $(
            $(#[$doc])*
            pub(super) const $name: $type = $value;
            const _: $type = $name;
        )*

        /// All of them.
        #[cfg(test)]
        pub(super) const CONSTANTS: &[Constant] = &[$(
            Constant { c_name: stringify!($name), declared: declared!($($xnu)?), value: $value },
        )*];
    };
}

structs! {
    /// An open descriptor, as `PROC_PIDLISTFDS` lists it.
    fd_info = "struct proc_fdinfo", 8 bytes {
        FD: i32 = "proc_fd" at 0;
        TYPE: u32 = "proc_fdtype" at 4;
    }
    /// What a process has used: the answer to `proc_pid_rusage`.
    rusage = "struct rusage_info_v2", 160 bytes {
        USER_TIME: u64 = "ri_user_time" at 16;
        SYSTEM_TIME: u64 = "ri_system_time" at 24;
        CHILD_USER_TIME: u64 = "ri_child_user_time" at 96;
        CHILD_SYSTEM_TIME: u64 = "ri_child_system_time" at 104;
        DISK_READ: u64 = "ri_diskio_bytesread" at 144;
        DISK_WRITTEN: u64 = "ri_diskio_byteswritten" at 152;
    }
    /// A socket: the answer to `PROC_PIDFDSOCKETINFO`.
    socket_fd_info = "struct socket_fdinfo", 792 bytes {
        STATE: i16 = "psi.soi_state" at 192;
        KIND: i32 = "psi.soi_kind" at 256;
    }
    /// An open file: the answer to `PROC_PIDFDVNODEINFO`.
    vnode_fd_info = "struct vnode_fdinfo", 176 bytes {
        OPEN_FLAGS: u32 = "pfi.fi_openflags" at 0;
        STATUS: u32 = "pfi.fi_status" at 4;
        DEV: u32 = "pvi.vi_stat.vst_dev" at 24;
        MODE: u16 = "pvi.vi_stat.vst_mode" at 28;
        LINKS: u16 = "pvi.vi_stat.vst_nlink" at 30;
        INO: u64 = "pvi.vi_stat.vst_ino" at 32;
    }
    /// An open file with its path: the answer to `PROC_PIDFDVNODEPATHINFO`. It begins as `vnode_fdinfo` does.
    vnode_fd_info_with_path = "struct vnode_fdinfowithpath", 1200 bytes {
        OPEN_FLAGS: u32 = "pfi.fi_openflags" at 0;
        STATUS: u32 = "pfi.fi_status" at 4;
        DEV: u32 = "pvip.vip_vi.vi_stat.vst_dev" at 24;
        MODE: u16 = "pvip.vip_vi.vi_stat.vst_mode" at 28;
        LINKS: u16 = "pvip.vip_vi.vi_stat.vst_nlink" at 30;
        INO: u64 = "pvip.vip_vi.vi_stat.vst_ino" at 32;
        PATH: [u8; 1024] = "pvip.vip_path" at 176;
    }
    /// The folders of a process: the answer to `PROC_PIDVNODEPATHINFO`.
    vnode_path_info = "struct proc_vnodepathinfo", 2352 bytes {
        CWD: [u8; 1024] = "pvi_cdir.vip_path" at 152;
    }
    /// A process: the answer to `PROC_PIDTBSDINFO`.
    bsd_info = "struct proc_bsdinfo", 136 bytes {
        FLAGS: u32 = "pbi_flags" at 0;
        STATUS: u32 = "pbi_status" at 4;
        PID: u32 = "pbi_pid" at 12;
        PARENT: u32 = "pbi_ppid" at 16;
        UID: u32 = "pbi_uid" at 20;
        NAME: [u8; 16] = "pbi_comm" at 48;
        GROUP: u32 = "pbi_pgid" at 100;
        TERMINAL: u32 = "e_tdev" at 108;
        START_SECONDS: u64 = "pbi_start_tvsec" at 120;
        START_MICROSECONDS: u64 = "pbi_start_tvusec" at 128;
    }
    /// A process, as `sysctl` with `KERN_PROC` lists it.
    kinfo_proc = "struct kinfo_proc", 648 bytes {
        START_SECONDS: i64 = "kp_proc.p_starttime.tv_sec" at 0;
        START_MICROSECONDS: i32 = "kp_proc.p_starttime.tv_usec" at 8;
        FLAGS: i32 = "kp_proc.p_flag" at 32;
        STATUS: u8 = "kp_proc.p_stat" at 36;
        PID: i32 = "kp_proc.p_pid" at 40;
        NAME: [u8; 17] = "kp_proc.p_comm" at 243;
        UID: u32 = "kp_eproc.e_ucred.cr_uid" at 420;
        PARENT: i32 = "kp_eproc.e_ppid" at 560;
        GROUP: i32 = "kp_eproc.e_pgid" at 564;
        TERMINAL: u32 = "kp_eproc.e_tdev" at 572;
    }
    /// What tells processes of one number apart: the answer to `PROC_PIDUNIQIDENTIFIERINFO`.
    unique_id_info = "struct proc_uniqidentifierinfo", 56 bytes,
        private in "bsd/sys/proc_info_private.h:45-55, where a static assertion pins the size; xnu-11417.101.15"
    {
        UNIQUE_ID: u64 = "p_uniqueid" at 16;
        PARENT_UNIQUE_ID: u64 = "p_puniqueid" at 24;
    }
    /// What `F_GETLK` is asked with and answers.
    flock = "struct flock", 24 bytes {
        START: i64 = "l_start" at 0;
        LENGTH: i64 = "l_len" at 8;
        PID: i32 = "l_pid" at 16;
        TYPE: i16 = "l_type" at 20;
        WHENCE: i16 = "l_whence" at 22;
    }
    /// An event of a kqueue.
    kevent64 = "struct kevent64_s", 48 bytes {
        IDENT: u64 = "ident" at 0;
        FILTER: i16 = "filter" at 8;
        FLAGS: u16 = "flags" at 10;
        FILTER_FLAGS: u32 = "fflags" at 12;
        DATA: i64 = "data" at 16;
        USER_DATA: u64 = "udata" at 24;
        EXTENSION: [u8; 16] = "ext" at 32;
    }
    /// A mounted file system.
    statfs = "struct statfs", 2168 bytes {
        FLAGS: u32 = "f_flags" at 64;
        MOUNTED_ON: [u8; 1024] = "f_mntonname" at 88;
    }
}

constants! {
    /// Lists the open descriptors of a process.
    PROC_PIDLISTFDS: i32 = 1;
    /// Asks for [`bsd_info`].
    PROC_PIDTBSDINFO: i32 = 3;
    /// Asks for [`vnode_path_info`].
    PROC_PIDVNODEPATHINFO: i32 = 9;
    /// Asks for [`unique_id_info`]; the kernel allows it for any user's process.
    PROC_PIDUNIQIDENTIFIERINFO: i32 = 17, private in "bsd/sys/proc_info_private.h:142; xnu-11417.101.15";
    /// Asks for [`vnode_fd_info`].
    PROC_PIDFDVNODEINFO: i32 = 1;
    /// Asks for [`vnode_fd_info_with_path`].
    PROC_PIDFDVNODEPATHINFO: i32 = 2;
    /// Lists the processes with a given parent.
    PROC_PPID_ONLY: u32 = 6;
    /// Asks for [`rusage`].
    RUSAGE_INFO_V2: i32 = 2;
    /// Asks for [`socket_fd_info`].
    PROC_PIDFDSOCKETINFO: i32 = 3;
    /// A descriptor that is a socket.
    PROX_FDTYPE_SOCKET: u32 = 2;
    /// In `soi_kind`: a socket of TCP.
    SOCKINFO_TCP: i32 = 2;
    /// In `soi_state`: connected to another one.
    SOI_S_ISCONNECTED: i16 = 2;
    /// A descriptor that is a file.
    PROX_FDTYPE_VNODE: u32 = 1;
    /// In `fi_status`: more than one descriptor, of this process or of another, is this open file.
    PROC_FP_SHARED: u32 = 1;
    /// In `pbi_flags`: a debugger is attached.
    PROC_FLAG_TRACED: u32 = 2;
    /// The longest path that `proc_pidpath` answers, in bytes.
    PROC_PIDPATHINFO_MAXSIZE: u32 = 4096;
    /// In `fi_openflags`: this open file holds, or has held, a lock by `flock`. The kernel sets it only after the lock
    /// was granted (`sys_flock`, `bsd/kern/kern_descrip.c:5814-5819`) and never clears it.
    FWASLOCKED: u32 = 0x4000, private in "bsd/sys/fcntl.h:135, inside #ifdef KERNEL; xnu-11417.101.15";
    /// In `fi_openflags`: open for writing.
    FWRITE: u32 = 2;
    /// Opens a file for its events alone; it keeps no volume from being ejected.
    O_EVTONLY: i32 = 0x8000;
    /// Fails where any part of the path is a symbolic link.
    O_NOFOLLOW_ANY: i32 = 0x2000_0000;
    /// Closes the descriptor on exec.
    O_CLOEXEC: i32 = 0x0100_0000;
    /// Asks which lock would be in the way.
    F_GETLK: i32 = 7;
    /// A shared lock.
    F_RDLCK: i16 = 1;
    /// No lock.
    F_UNLCK: i16 = 2;
    /// An exclusive lock.
    F_WRLCK: i16 = 3;
    /// The part of `st_mode` that says of which kind a file is.
    S_IFMT: u16 = 0o170_000;
    /// That of a regular file.
    S_IFREG: u16 = 0o100_000;
    /// A stopped process.
    SSTOP: u32 = 4;
    /// A process that has ended and is not reaped.
    SZOMB: u32 = 5;
    /// In `p_flag`: a debugger is attached.
    P_TRACED: i32 = 0x800;
    /// The controlling terminal of a process that has none.
    NODEV: i32 = -1;
    /// The first number of a `sysctl` name: the kernel.
    CTL_KERN: i32 = 1;
    /// The second: processes.
    KERN_PROC: i32 = 14;
    /// The third: every process.
    KERN_PROC_ALL: i32 = 0;
    /// The third: one process, the fourth being its number.
    KERN_PROC_PID: i32 = 1;
    /// The third: the processes of one effective user, the fourth being its number.
    KERN_PROC_UID: i32 = 5;
    /// The second: the arguments and the environment of a process, the third being its number.
    KERN_PROCARGS2: i32 = 49;
    /// The most bytes that the arguments and the environment of a process can have.
    ARG_MAX: usize = 1_048_576;
    /// Events of a file.
    EVFILT_VNODE: i16 = -4;
    /// Events of a process.
    EVFILT_PROC: i16 = -5;
    /// A time that has come.
    EVFILT_TIMER: i16 = -7;
    /// The process has ended; any user's process may be followed (`filt_procattach`, `bsd/kern/kern_event.c:1098`).
    NOTE_EXIT: u32 = 0x8000_0000;
    /// The time is in microseconds.
    NOTE_USECONDS: u32 = 2;
    /// The second number of the extension tells how much later the time may be told, so that several are told at once.
    NOTE_LEEWAY: u32 = 0x10;
    /// Takes an event out again when it has been told.
    EV_ONESHOT: u16 = 0x10;
    /// Takes an event out of a kqueue.
    EV_DELETE: u16 = 2;
    /// The file was unlocked by `flock` or its last close (`VNOP_ADVLOCK`, `bsd/vfs/kpi_vfs.c:5755-5758`).
    NOTE_FUNLOCK: u32 = 0x100;
    /// Adds an event to a kqueue.
    EV_ADD: u16 = 1;
    /// Tells an event once for each time that it is asked for.
    EV_CLEAR: u16 = 0x20;
    /// In `f_flags`: the file system is on this machine.
    MNT_LOCAL: u32 = 0x1000;
    /// In `f_flags`: the file system is on something that can be taken away.
    MNT_REMOVABLE: u32 = 0x200;
    /// Lists the mounts as they are remembered, without asking a server.
    MNT_NOWAIT: i32 = 2;
}

/// The numbers against those of the `libc` crate, where it has them: a third source, at no cost.
#[cfg(target_os = "macos")]
mod against_libc {
    use std::mem::offset_of;

    const _: () = {
        assert!(size_of::<libc::proc_fdinfo>() == super::fd_info::SIZE);
        assert!(size_of::<libc::proc_bsdinfo>() == super::bsd_info::SIZE);
        assert!(size_of::<libc::proc_vnodepathinfo>() == super::vnode_path_info::SIZE);
        assert!(size_of::<libc::flock>() == super::flock::SIZE);
        assert!(size_of::<libc::kevent64_s>() == super::kevent64::SIZE);
        assert!(size_of::<libc::statfs>() == super::statfs::SIZE);
        assert!(offset_of!(libc::proc_bsdinfo, e_tdev) == super::bsd_info::TERMINAL.offset);
        assert!(offset_of!(libc::proc_bsdinfo, pbi_start_tvsec) == super::bsd_info::START_SECONDS.offset);
        assert!(offset_of!(libc::flock, l_type) == super::flock::TYPE.offset);
        assert!(offset_of!(libc::statfs, f_flags) == super::statfs::FLAGS.offset);
        assert!(offset_of!(libc::statfs, f_mntonname) == super::statfs::MOUNTED_ON.offset);
        assert!(libc::F_GETLK == super::F_GETLK);
        assert!(libc::F_WRLCK == super::F_WRLCK);
        assert!(libc::O_EVTONLY == super::O_EVTONLY);
        assert!(libc::O_NOFOLLOW_ANY == super::O_NOFOLLOW_ANY);
        assert!(libc::O_CLOEXEC == super::O_CLOEXEC);
        assert!(libc::NOTE_FUNLOCK == super::NOTE_FUNLOCK);
        assert!(libc::EVFILT_VNODE == super::EVFILT_VNODE);
        assert!(libc::EVFILT_PROC == super::EVFILT_PROC);
        assert!(libc::EVFILT_TIMER == super::EVFILT_TIMER);
        assert!(libc::NOTE_EXIT == super::NOTE_EXIT);
        assert!(libc::NOTE_LEEWAY == super::NOTE_LEEWAY);
        assert!(libc::KERN_PROC_UID == super::KERN_PROC_UID);
        assert!(libc::KERN_PROCARGS2 == super::KERN_PROCARGS2);
        assert!(libc::MNT_NOWAIT == super::MNT_NOWAIT);
        assert!(libc::SSTOP == super::SSTOP);
    };
}
