//! macOS: the icon lives on the main thread, in the run loop of an application that has no window and no Dock icon.

mod notifications;
pub(crate) mod platform;

use std::sync::mpsc::Sender;

use objc2_foundation::NSRunLoop;
use tao::event::{Event, StartCause};
use tao::event_loop::{ControlFlow, EventLoop, EventLoopBuilder};
use tao::platform::macos::{ActivationPolicy, EventLoopExtMacOS as _};

use super::{Error, Message, forward_choices};
use crate::app::{self, News, Out, Setup};
use crate::menu::{Action, Model};
use crate::view::View;

/// What opens a program in a terminal.
pub(crate) const TERMINALS: &[(&str, &[&str])] = &[("/usr/bin/open", &["-b", "com.apple.Terminal"])];

/// The mode that the run loop is in while no menu is open; an open one has `NSEventTrackingRunLoopMode`.
const DEFAULT_MODE: &str = "kCFRunLoopDefaultMode";

/// Shows the icon until `Quit` is chosen. Returns only where that could not begin: the application's run loop ends with
/// the process.
pub(crate) fn run(setup: Setup) -> Result<(), Error> {
    let mut event_loop: EventLoop<Message> = EventLoopBuilder::with_user_event().build();
    event_loop.set_activation_policy(ActivationPolicy::Accessory);
    event_loop.set_activate_ignoring_other_apps(false);
    // Two proxies for good: each one adds a source to the run loop that is never taken out of it.
    let (choices, out) = (event_loop.create_proxy(), event_loop.create_proxy());
    forward_choices(move |message| drop(choices.send_event(message)));
    let news = app::start(setup, move |message| out.send_event(Message::Out(message)).is_ok())?;
    let mut app = App {
        news,
        view: None,
        is_ready: false,
        first: None,
    };
    event_loop.run(move |event, _, flow| {
        *flow = app.handle(event).unwrap_or_else(give_up);
    })
}

struct App {
    news: Sender<News>,
    view: Option<View>,
    /// Whether there is a menu bar to put an icon into.
    is_ready: bool,
    /// What is to be shown first.
    first: Option<Model>,
}

impl App {
    fn handle(&mut self, event: Event<'_, Message>) -> Result<ControlFlow, crate::view::Error> {
        match event {
            Event::NewEvents(StartCause::Init) => self.is_ready = true,
            Event::UserEvent(Message::Out(Out::Show(model))) => match &mut self.view {
                Some(view) => view.show(model, a_menu_is_open())?,
                None => self.first = Some(model),
            },
            Event::UserEvent(Message::Out(Out::Tell(notice))) => notifications::tell(&notice),
            Event::UserEvent(Message::Opened) => drop(self.news.send(News::Opened)),
            Event::UserEvent(Message::Chosen(id)) => match self.view.as_ref().and_then(|view| view.chosen(&id)) {
                Some(Action::Quit) => {
                    // The process ends without dropping what this closure owns.
                    self.view = None;
                    return Ok(ControlFlow::Exit);
                }
                Some(action) => drop(self.news.send(News::Chosen(action))),
                None => {}
            },
            _ => {}
        }
        if self.is_ready && self.view.is_none() && self.first.is_some() {
            self.view = self.first.take().map(View::new).transpose()?;
        }
        // When a menu is closed, the run loop goes round in its default mode.
        if let Some(view) = &mut self.view
            && !a_menu_is_open()
        {
            view.closed()?;
        }
        Ok(ControlFlow::Wait)
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
