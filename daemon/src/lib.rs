//! lockwatch shows who holds Cargo's file locks, who waits for them, and whether the holder still works.
//!
//! # Theory of operation
//!
//! Cargo guards its folders with flock(2) on empty files. The files are never deleted and their content and times never
//! change, so only the kernel knows whether one is locked, and by whom. lockwatch asks it, and never takes, creates,
//! writes or deletes a lock file itself.
//!
//! Data flows one way, and nothing downstream asks the kernel again:
//!
//! 1. [`os`] reads the locks and the processes: from `/proc` on Linux, from the processes' file tables on macOS. It is
//!    told by [`cargo::lock_kind`] which paths matter, so that it finds a lock wherever it lies, and by [`cargo::origin`] of
//!    which ancestors the arguments do.
//! 2. [`observation`] puts one look together: each lock file with its holders and waiters, and for each of these what
//!    it does ([`cargo::command`]) and who started it ([`cargo::origin`]).
//! 3. [`wait_graph`] tells who is in whose way, the head of each queue, and circles; [`verdict`] judges each holder.
//! 4. [`state`] is the model that all outputs show, as JSON for programs; [`by_process`] turns it from locks to processes,
//!    and [`cli`] makes text of it for people.
//! 5. [`stop`] ends a holder: it is given a token, asks the kernel anew about everything, and is the one place that signals.
//! 6. [`guard`] starts a command once nobody is in its way, for `lockwatch run`.
//! 7. [`server`] tells it to other processes on a socket, in the words of [`protocol`]; [`client`] is the other end.
//!
//! Everything but [`os`], [`process::named`], [`places`], [`stop`] (its plan and its targets aside), [`guard`] (what its own text says aside), the daemon's [`engine`],
//! [`server`] and [`logs`], [`client`], [`live`] and the outer layer of [`cli`] is pure: no clock, no file, no process; time
//! comes in as an argument.

pub mod by_process;
pub mod cargo;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod engine;
pub mod explain;
pub mod folders;
pub mod guard;
pub mod history;
pub mod live;
pub mod logs;
pub mod observation;
pub mod os;
pub mod places;
pub mod private_folder;
pub mod process;
pub mod project;
pub mod protocol;
pub mod server;
pub mod service;
pub mod state;
pub mod stop;
pub mod text;
pub mod token;
pub mod tracker;
pub mod verdict;
pub mod wait_graph;
pub mod wake;
pub mod work;
