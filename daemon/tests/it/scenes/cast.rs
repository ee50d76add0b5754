//! Who plays in a scene.

use std::any::Any;
use std::collections::VecDeque;

/// The processes of a scene, after they were started.
pub(super) struct Cast {
    /// The holder that is judged.
    pub(super) judged: u32,
    /// Whom the verdict has to name.
    pub(super) named: Option<u32>,
    /// What happens in the course of the scene.
    pub(super) acts: VecDeque<Act>,
    /// What lives as long as the scene.
    kept: Vec<Box<dyn Any>>,
}

/// Something that happens.
pub(super) type Act = Box<dyn FnOnce()>;

impl Cast {
    /// With nothing but the holder.
    pub(super) fn of(judged: u32) -> Self {
        Self {
            judged,
            named: None,
            acts: VecDeque::new(),
            kept: Vec::new(),
        }
    }

    /// With somebody to be named.
    pub(super) fn naming(mut self, pid: u32) -> Self {
        self.named = Some(pid);
        self
    }

    /// With one more act.
    pub(super) fn then(mut self, act: impl FnOnce() + 'static) -> Self {
        self.acts.push_back(Box::new(act));
        self
    }

    /// With something that is dropped when the scene ends.
    pub(super) fn with(mut self, kept: impl Any) -> Self {
        self.kept.push(Box::new(kept));
        self
    }
}
