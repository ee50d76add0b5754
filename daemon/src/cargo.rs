//! What Cargo's things mean: its lock files, its command lines, and who starts it. All of it is pure.

pub mod command;
pub mod lock_kind;
pub mod origin;
