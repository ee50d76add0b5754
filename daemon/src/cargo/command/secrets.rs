//! Takes secrets out of arguments.
//!
//! Whatever looks like the place of a secret is masked to the end of its argument. That hides a little too much at
//! times, in `sh -c "TOKEN=… cargo build"` for one, but no quoting and no odd value can bring a part of a secret out.

/// What stands in place of a secret.
pub(super) const MASK: &str = "***";

/// The ends of names whose values are secret, in lower case with `_` for `-`.
const SECRET_NAMES: &[&str] = &[
    "token",
    "tokens",
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "pass",
    "api_key",
    "apikey",
    "access_key",
    "secret_key",
    "private_key",
    "signing_key",
    "encryption_key",
    "credential",
    "credentials",
    "authorization",
    "bearer",
    "cookie",
    "_pat",
    "_auth",
    "_pwd",
];

/// How the tokens of well-known services begin, and how many more characters they have at least. That of crates.io is
/// `cio` and 32 characters (`src/util/token.rs` of crates.io); those of GitHub and GitLab are documented by them.
const TOKEN_FORMS: &[(&str, usize)] = &[
    ("cio", 32),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("ghu_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("sk-", 32),
];

/// Cargo's options of `login` that take the next argument as their value.
const LOGIN_OPTIONS: &[&str] = &["--registry", "--index", "--config", "--color", "-Z", "-C"];

/// The arguments with `***` for each secret. `login_arguments` is where the arguments of `cargo login` begin, if it
/// is that: any of them that is no option is a token.
pub(super) fn mask(words: &[String], login_arguments: Option<usize>) -> Vec<String> {
    let login_from = login_arguments
        .or_else(|| wrapped_login(words))
        .or_else(|| any_login(words));
    let mut before = None;
    let masked = words.iter().enumerate().map(|(index, word)| {
        let previous = before.replace(word.as_str()).unwrap_or_default();
        let is_login_token = login_from.is_some_and(|from| index >= from)
            && !word.starts_with('-')
            && !LOGIN_OPTIONS.contains(&previous);
        if announces_secret(previous) || is_login_token {
            MASK.to_owned()
        } else {
            mask_inside(word)
        }
    });
    masked.collect()
}

/// Where the arguments of a `cargo login` begin that another program starts (`sudo`, `rustup run stable`).
fn wrapped_login(words: &[String]) -> Option<usize> {
    let is_cargo = |word: &String| super::is_cargo(super::basename(word));
    let cargos = words.iter().enumerate().filter(|(_, word)| is_cargo(word));
    let mut commands = cargos.filter_map(|(index, _)| super::subcommand(words, index + 1));
    commands.find(|index| words[*index] == "login").map(|index| index + 1)
}

/// Where the arguments begin of a word `login` anywhere behind a cargo that is no option's value: options before it may be
/// written in ways that are not known here.
fn any_login(words: &[String]) -> Option<usize> {
    let cargo = words.iter().position(|word| super::is_cargo(super::basename(word)))?;
    let is_login = |pair: &[String]| pair[1] == "login" && !pair[0].starts_with('-');
    let login = words[cargo..].windows(2).position(is_login)?;
    Some(cargo + login + 2)
}

/// Whether the next word is the value of this one, and secret: `--token`, `token =`, `Authorization:`, `Bearer`.
fn announces_secret(word: &str) -> bool {
    let is_option = word.starts_with('-') && !word.contains('=');
    let is_name = word.ends_with([':', '=']) || word.eq_ignore_ascii_case("bearer");
    (is_option || is_name) && is_secret_name(word.trim_end_matches([':', '=', '"', '\'']))
}

/// How much of one argument is read: more than is ever shown.
pub(super) const WINDOW: usize = 8192;

/// How much of the end of an argument that was cut is left away: what is cut there cannot be told for a token.
const MARGIN: usize = 256;

/// Masks what is secret within one argument.
fn mask_inside(word: &str) -> String {
    let window = &word[..word.floor_char_boundary(WINDOW)];
    let is_cut = window.len() < word.len();
    let secret = first_secret(window);
    let mut masked = mask_urls(&window[..secret.unwrap_or(window.len())], is_cut && secret.is_none());
    if secret.is_some() {
        masked.push_str(MASK);
    } else if is_cut {
        masked.truncate(masked.floor_char_boundary(masked.len().saturating_sub(MARGIN)));
    }
    masked
}

/// Where the first secret begins that goes to the end of the argument.
fn first_secret(word: &str) -> Option<usize> {
    let assigned = word.match_indices(['=', ':']).find_map(|(at, sign)| {
        let value = &word[at + 1..];
        // A colon assigns in JSON, in YAML and in a header; in `a::b` and `C:/x` it does not.
        let assigns = sign == "=" || !value.starts_with([':', '/']);
        (assigns && !value.is_empty() && is_secret_name(name_before(word, at))).then_some(at + 1)
    });
    let places = [assigned, spaced_secret(word), known_token(word)];
    places.into_iter().flatten().min()
}

/// Whether the character stands between words. Control characters do so in what shells and TOML read.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Whether the character stands around a word.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '\\' | '`' | '(')
}

/// The name to which a sign assigns: what stands before it, without blanks and quotes.
fn name_before(word: &str, sign: usize) -> &str {
    let before = word[..sign].trim_end_matches(|c| is_blank(c) || is_quote(c));
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begin = before.trim_end_matches(is_part).len();
    &before[begin..]
}

/// Where a secret begins in an argument that is a command line of its own: after ` --token `, after `cargo login `.
fn spaced_secret(word: &str) -> Option<usize> {
    let mut after_cargo = false;
    let mut previous = "";
    for (at, part) in parts(word) {
        if announces_secret(previous) || after_cargo && previous == "login" {
            return Some(at);
        }
        previous = part.trim_matches(is_quote);
        after_cargo |= super::is_cargo(super::basename(previous));
    }
    None
}

/// The parts of a text between blanks, each with its place.
fn parts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let words = text.split(is_blank).filter(|part| !part.is_empty());
    // Each part lies in the text: the distance of the two is its place.
    words.map(|part| (part.as_ptr().addr() - text.as_ptr().addr(), part))
}

/// Where a token begins that can be told by its form.
fn known_token(word: &str) -> Option<usize> {
    let is_token_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let of_form = |(begin, length): &(&str, usize)| {
        word.match_indices(begin).map(|(at, _)| at).find(|at| {
            let rest = &word[at + begin.len()..];
            let long = rest.chars().take_while(|c| is_token_char(*c)).nth(length - 1).is_some();
            long && !word[..*at].ends_with(is_token_char)
        })
    };
    TOKEN_FORMS.iter().filter_map(of_form).min()
}

/// Whether what is called so is secret. Of a dotted key the last part counts.
fn is_secret_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let last = last.replace('-', "_").to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| last.ends_with(secret))
}

/// Masks the user and password in each `scheme://user:password@host`. The user too: many services take a token there.
/// Only the `git` of `ssh://git@host` stays, which is nobody's secret. `is_open`: the text goes on, unread.
fn mask_urls(text: &str, is_open: bool) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        masked.push_str(before);
        rest = after;
        if let Some(end) = userinfo(after, is_open)
            && &after[..end] != "git"
        {
            masked.push_str(MASK);
            rest = &after[end..];
        }
    }
    masked.push_str(rest);
    masked
}

/// How long the part before the host of a URL is, without the `@` after it.
fn userinfo(text: &str, is_open: bool) -> Option<usize> {
    let url = &text[..text.find(is_blank).unwrap_or(text.len())];
    let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
    // A password may hold a `/` or an `@`, though it should not. What it costs is the host, and that only where an `@`
    // comes later in the URL.
    let searched = if authority.contains(':') { url } else { authority };
    let goes_on = is_open && searched.len() == text.len();
    searched.rfind('@').or(goes_on.then_some(searched.len()))
}
