//! What happens between the daemon and the screen, in a thread of its own: it gathers what is known, has a model made of it,
//! and hands that over when it differs from what is shown.
//!
//! The thread sleeps until there is news, or until a text says something else by itself, which is while somebody holds a lock
//! only. It hands over a model a second at most.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use lockwatch::by_process::waiting_processes;
use lockwatch::config::Config;
use lockwatch::folders::Folders;
use lockwatch::process::ProcessId;
use lockwatch::protocol;
use lockwatch::stop::{Report, Step};
use lockwatch::text;

use crate::cases::{Cases, Notice};
use crate::menu::{Action, Facts, Link, Login, Model, Notifications};
use crate::orders::{self, OrderError};
use crate::settings::Settings;
use crate::stopping::Stops;
use crate::{link, live_view, login, start};

/// No more than one model in this time.
const PERIOD: Duration = Duration::from_secs(1);
/// The daemon has so long for its first state before the icon appears without one.
const FIRST: Duration = Duration::from_secs(2);
/// A daemon that is just started, or has just ended, has so long until it counts as gone.
const STARTING: Duration = Duration::from_secs(10);
const RESTARTING: Duration = Duration::from_secs(3);
/// For so long the outcome of a stop stays in the menu.
const TOLD: Duration = Duration::from_mins(5);
/// The daemon is asked for the time waited today no more often than this.
const TODAY: Duration = Duration::from_secs(10);

/// What comes in.
#[derive(Debug)]
pub(crate) enum News {
    Link(link::Update),
    /// A row was chosen.
    Chosen(Action),
    /// The menu was opened.
    Opened,
    /// A stop is about to take a step.
    Step(ProcessId, Step),
    /// A stop, or its plan, has ended.
    Stopped(protocol::Stop, Box<Result<Report, OrderError>>),
    WaitedToday(Option<Duration>),
    Login(Login),
    /// Something that the user wanted cannot be done.
    Trouble(String),
    /// No daemon could be started, or it has ended.
    NotStarted(String),
}

/// What goes out, to the thread that owns the icon.
#[derive(Debug)]
pub(crate) enum Out {
    Show(Model),
    Tell(Notice),
}

/// What the tray is started with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) folders: Folders,
    pub(crate) config: Config,
    /// What is wrong with the configuration, in one sentence.
    pub(crate) trouble: Option<String>,
}

/// Starts the thread. It goes on until nobody takes what goes `out` any more.
pub(crate) fn start(setup: Setup, out: impl Fn(Out) -> bool + Send + 'static) -> io::Result<Sender<News>> {
    let (sender, news) = mpsc::channel();
    let links = sender.clone();
    let again = link::follow(setup.folders.clone(), move |update| {
        links.send(News::Link(update)).is_ok()
    })?;
    let app = App::new(setup, sender.clone(), again);
    std::thread::Builder::new()
        .name("app".to_owned())
        .spawn(move || app.run(&news, &out))?;
    Ok(sender)
}

struct App {
    folders: Folders,
    config: Config,
    settings: Settings,
    facts: Facts,
    cases: Cases,
    news: Sender<News>,
    link: link::Again,
    /// When the newest state came.
    came_at: Instant,
    /// Until then a daemon that does not answer is one that is starting.
    patience: Instant,
    /// Whether a daemon was started, or seen: from then on it is the user's or the service manager's.
    had_daemon: bool,
    /// Until when the outcome of the last stop is shown.
    told_until: Option<Instant>,
    /// When the time waited today was asked for, and whether it is to be asked for again.
    today_asked_at: Option<Instant>,
    today_is_old: bool,
    /// How many waited in the state before.
    waiting: usize,
    /// What is to be told to the user.
    notices: Vec<Notice>,
}

impl App {
    fn new(setup: Setup, news: Sender<News>, link: link::Again) -> Self {
        let settings = Settings::of(&setup.folders);
        let notifications = match (setup.config.notifications.enabled, settings.notifications()) {
            (false, _) => Notifications::OffInConfig,
            (true, true) => Notifications::On,
            (true, false) => Notifications::Off,
        };
        let facts = Facts {
            home: std::env::home_dir().map(|home| text::escape_path(&home)),
            zone: TimeZone::system(),
            title: setup.config.tray.title,
            link: Link::Looking,
            state: None,
            stops: Stops::default(),
            waited_today: None,
            at_login: Login::Unknown("looking"),
            notifications,
            trouble: setup.trouble,
        };
        Self {
            folders: setup.folders,
            config: setup.config,
            settings,
            facts,
            cases: Cases::default(),
            news,
            link,
            came_at: Instant::now(),
            patience: Instant::now() + RESTARTING,
            had_daemon: false,
            told_until: None,
            today_asked_at: None,
            today_is_old: false,
            waiting: 0,
            notices: Vec::new(),
        }
    }

    fn run(mut self, news: &Receiver<News>, out: &impl Fn(Out) -> bool) {
        self.ask(|_| Some(News::Login(login::read())));
        let mut shown: Option<(Model, Instant)> = None;
        let begun = Instant::now();
        let mut due = Some(begun + FIRST);
        loop {
            let first = match due {
                None => news.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => news.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            if matches!(first, Err(RecvTimeoutError::Disconnected)) {
                return;
            }
            for news in first.into_iter().chain(news.try_iter()) {
                self.take(news);
            }
            let (model, next) = self.model();
            for notice in self.notices.drain(..) {
                if !out(Out::Tell(notice)) {
                    return;
                }
            }
            due = next;
            let now = Instant::now();
            let may_be_shown_at = match &shown {
                Some((old, _)) if *old == model => continue,
                Some((_, at)) => *at + PERIOD,
                None if self.is_waiting_for_a_state() => begun + FIRST,
                None => now,
            };
            if may_be_shown_at > now {
                due = Some(due.map_or(may_be_shown_at, |due| due.min(may_be_shown_at)));
                continue;
            }
            if !out(Out::Show(model.clone())) {
                return;
            }
            shown = Some((model, now));
        }
    }

    fn is_waiting_for_a_state(&self) -> bool {
        self.facts.state.is_none() && !matches!(self.facts.link, Link::Gone { .. })
    }

    /// What there is to show, and when it says something else by itself.
    fn model(&mut self) -> (Model, Option<Instant>) {
        let now = Instant::now();
        let mut due: Vec<Instant> = Vec::new();
        match self.told_until {
            Some(until) if until <= now => {
                self.told_until = None;
                self.facts.stops.forget_told();
                self.facts.trouble = None;
            }
            Some(until) => due.push(until),
            None => {}
        }
        let elapsed = now.duration_since(self.came_at);
        if let (Some(state), Notifications::On) = (&self.facts.state, self.facts.notifications) {
            let after = self.config.notifications.after;
            let (notices, next) = self.cases.of(state, elapsed, after, self.facts.home.as_deref());
            self.notices.extend(notices);
            due.extend(next.map(|next| now + next));
        }
        due.extend(self.ask_for_today(now));
        let (model, next) = Model::of(&self.facts, elapsed);
        due.extend(next.map(|next| now + next));
        (model, due.into_iter().min())
    }

    fn take(&mut self, news: News) {
        match news {
            News::Link(update) => self.take_link(update),
            News::Chosen(action) => self.act(action),
            News::Opened => {
                self.today_is_old = true;
                self.ask(|_| Some(News::Login(login::read())));
            }
            News::Step(process, step) => self.facts.stops.step(process, step),
            News::Stopped(wish, answer) => {
                let notice = match *answer {
                    Ok(report) => self.facts.stops.reported(wish, &report),
                    Err(error) => self.facts.stops.failed(wish.token.process, &error.to_string()),
                };
                self.notices.push(notice);
                self.told_until = Some(Instant::now() + TOLD);
            }
            News::WaitedToday(waited) => self.facts.waited_today = waited.or(self.facts.waited_today),
            News::Login(login) => self.facts.at_login = login,
            News::Trouble(sentence) => self.trouble(sentence),
            News::NotStarted(why) if self.facts.link == Link::Looking => {
                self.patience = Instant::now();
                self.facts.link = Link::Gone { why };
            }
            // It was started, and ended later.
            News::NotStarted(_) => {}
        }
    }

    fn take_link(&mut self, update: link::Update) {
        match update {
            link::Update::Following(welcome) => {
                self.had_daemon = true;
                self.today_is_old = true;
                self.facts.link = Link::Following {
                    version: welcome.version,
                    pid: welcome.pid,
                };
            }
            link::Update::State(state) => {
                let waiting = waiting_processes(&state);
                self.today_is_old |= waiting < self.waiting;
                self.waiting = waiting;
                self.came_at = Instant::now();
                self.facts.stops.keep_those_of(&state);
                self.facts.state = Some(*state);
            }
            link::Update::Gone { why, answered } => {
                if self.facts.state.take().is_some() {
                    self.patience = Instant::now() + RESTARTING;
                }
                if !answered && !std::mem::replace(&mut self.had_daemon, true) {
                    self.start_daemon();
                }
                self.facts.link = if Instant::now() < self.patience && !answered {
                    Link::Looking
                } else {
                    Link::Gone { why }
                };
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Plan(token) => {
                let wish = self.facts.stops.wanted(token, false);
                self.order(wish);
            }
            Action::PlanForce(token) => {
                let wish = self.facts.stops.wanted(token, true);
                self.order(wish);
            }
            Action::Agree(process) => {
                let wish = self.facts.stops.agreed(process);
                self.order(wish);
            }
            Action::Decline(process) => self.facts.stops.declined(process),
            Action::StartDaemon => self.start_daemon(),
            Action::LiveView => self.ask(|_| live_view::open().err().map(|error| News::Trouble(error.to_string()))),
            Action::Notifications => self.switch_notifications(),
            Action::AtLogin => {
                let wanted = self.facts.at_login != Login::Yes;
                self.ask(move |news| {
                    if let Err(error) = login::set(wanted) {
                        drop(news.send(News::Trouble(error.to_string())));
                    }
                    Some(News::Login(login::read()))
                });
            }
            // It ends the thread that owns the icon, and with it the process.
            Action::Quit => {}
        }
    }

    fn switch_notifications(&mut self) {
        let wanted = match self.facts.notifications {
            Notifications::On => false,
            Notifications::Off => true,
            Notifications::OffInConfig => return,
        };
        match self.settings.set_notifications(wanted) {
            Ok(()) if wanted => self.facts.notifications = Notifications::On,
            Ok(()) => self.facts.notifications = Notifications::Off,
            Err(error) => self.trouble(error.to_string()),
        }
    }

    fn start_daemon(&mut self) {
        self.patience = Instant::now() + STARTING;
        self.facts.link = Link::Looking;
        self.link.now();
        self.ask(|_| start::daemon().err().map(|error| News::NotStarted(error.to_string())));
    }

    fn order(&self, wish: Option<protocol::Stop>) {
        let Some(wish) = wish else { return };
        let (folders, grace) = (self.folders.clone(), self.config.stop.grace);
        self.ask(move |news| {
            let mut told = |step| drop(news.send(News::Step(wish.token.process, step)));
            let answer = orders::stop(&folders, wish, grace, &mut told);
            Some(News::Stopped(wish, Box::new(answer)))
        });
    }

    /// Asks for the time waited today where it may have changed, and says when it is to be asked for.
    fn ask_for_today(&mut self, now: Instant) -> Option<Instant> {
        if !self.today_is_old {
            return None;
        }
        let at = self.today_asked_at.map_or(now, |at| at + TODAY);
        if at > now {
            return Some(at);
        }
        (self.today_is_old, self.today_asked_at) = (false, Some(now));
        let folders = self.folders.clone();
        self.ask(move |_| Some(News::WaitedToday(orders::waited_today(&folders))));
        None
    }

    fn trouble(&mut self, sentence: String) {
        self.facts.trouble = Some(sentence);
        self.told_until = Some(Instant::now() + TOLD);
    }

    /// Does what takes time in a thread of its own, and takes the answer as news.
    fn ask(&self, work: impl FnOnce(&Sender<News>) -> Option<News> + Send + 'static) {
        let news = self.news.clone();
        let thread = std::thread::Builder::new().name("ask".to_owned()).spawn(move || {
            if let Some(answer) = work(&news) {
                // Nobody is left to be told only where the program ends.
                drop(news.send(answer));
            }
        });
        if let Err(error) = thread {
            drop(self.news.send(News::Trouble(OrderError::Thread(error).to_string())));
        }
    }
}
