//! macOS: the icon lives on the main thread, in the run loop of an application that has no window and no Dock icon.

use objc2_foundation::NSRunLoop;
use tao::event::{Event, StartCause};
use tao::event_loop::{ControlFlow, EventLoop, EventLoopBuilder};
use tao::platform::macos::{ActivationPolicy, EventLoopExtMacOS as _};

use super::{Error, Message, forward_choices};
use crate::look::Looker;
use crate::menu::Model;
use crate::view::View;

/// The mode that the run loop is in while no menu is open; an open one has `NSEventTrackingRunLoopMode`.
const DEFAULT_MODE: &str = "kCFRunLoopDefaultMode";

/// Shows the icon until `Quit` is chosen. Returns only where that could not begin: the application's run loop ends with
/// the process.
pub(crate) fn run() -> Result<(), Error> {
    let mut event_loop: EventLoop<Message> = EventLoopBuilder::with_user_event().build();
    event_loop.set_activation_policy(ActivationPolicy::Accessory);
    event_loop.set_activate_ignoring_other_apps(false);
    // Two proxies for good: each one adds a source to the run loop that is never taken out of it.
    let (choices, news) = (event_loop.create_proxy(), event_loop.create_proxy());
    forward_choices(move |message| drop(choices.send_event(message)));

    let mut looker = Looker::new();
    let first = looker.look();
    looker.watch(first.clone(), move |model| {
        news.send_event(Message::Show(model)).is_ok()
    })?;
    let mut app = App {
        view: None,
        pending: Some(first),
    };
    event_loop.run(move |event, _, flow| {
        *flow = app.handle(event);
    })
}

struct App {
    view: Option<View>,
    /// What is to be shown next.
    pending: Option<Model>,
}

impl App {
    fn handle(&mut self, event: Event<'_, Message>) -> ControlFlow {
        match event {
            // Before this there is no menu bar to put an icon into.
            Event::NewEvents(StartCause::Init) => {
                if let Some(first) = self.pending.take() {
                    match View::new(first) {
                        Ok(view) => self.view = Some(view),
                        Err(error) => return give_up(error),
                    }
                }
            }
            Event::UserEvent(Message::Show(model)) => self.pending = Some(model),
            Event::UserEvent(Message::Quit) => {
                // The process ends without dropping what this closure owns.
                self.view = None;
                return ControlFlow::Exit;
            }
            _ => {}
        }
        self.show_pending()
    }

    /// Shows what is new. Rows do not come and go under the pointer: that waits until the menu is closed, which makes
    /// the run loop go round in its default mode.
    fn show_pending(&mut self) -> ControlFlow {
        if let Some(view) = &mut self.view
            && let Some(model) = self
                .pending
                .take_if(|model| view.has_rows_for(model) || !a_menu_is_open())
            && let Err(error) = view.show(model)
        {
            return give_up(error);
        }
        ControlFlow::Wait
    }
}

fn a_menu_is_open() -> bool {
    let mode = NSRunLoop::currentRunLoop().currentMode();
    mode.is_some_and(|mode| mode.to_string() != DEFAULT_MODE)
}

fn give_up(error: crate::view::Error) -> ControlFlow {
    crate::complain(&Error::View(error).to_string());
    ControlFlow::ExitWithCode(i32::from(lockwatch::cli::exit::Code::Unavailable as u8))
}
