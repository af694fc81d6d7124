//! Prints one line for a wrong command line or environment.

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, Error};

use super::print_error;

/// Treats empty variables as unset, because platforms and compose files pass variables that were
/// never filled in.
pub(super) fn without_empty_variables(command: Command) -> Command {
    let ignore_if_empty = |argument: Arg| match argument.get_env().map(std::env::var_os) {
        Some(Some(value)) if value.is_empty() => argument.env(Resettable::Reset),
        _ => argument,
    };
    command
        .mut_args(ignore_if_empty)
        .mut_subcommands(move |command| command.mut_args(ignore_if_empty))
}

/// Prints help if it was requested. For an error, prints one line with the variable, its value and
/// the allowed values.
pub(super) fn explain<C: CommandFactory>(error: &Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let printed = error.print().is_ok();
            ExitCode::from(u8::from(!printed))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            print_error(&wrong_value::<C>(error).unwrap_or_else(|| first_line(error)));
            ExitCode::from(2)
        }
        _ => {
            print_error(&format!("{} (see patio --help)", first_line(error)));
            ExitCode::from(2)
        }
    }
}

fn wrong_value<C: CommandFactory>(error: &Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    // "--port <PORT>"
    let argument = text(ContextKind::InvalidArg)?;
    let flag = argument.split_whitespace().next()?.trim_start_matches('-');
    let command = C::command();
    let known = command.get_arguments().find(|known| known.get_long() == Some(flag));
    let variable = known.and_then(|known| known.get_env()).and_then(OsStr::to_str).unwrap_or(flag);
    let secret = known.is_some_and(Arg::is_hide_env_values_set);
    let value = text(ContextKind::InvalidValue).map(|value| redact(value, secret))?;
    let allowed = std::error::Error::source(error)
        .map(ToString::to_string)
        .or_else(|| text(ContextKind::ValidValue))?;
    Some(format!("{variable}={value} is not allowed; allowed: {allowed}"))
}

/// Hides what may be a secret: of a URL, only the scheme is shown.
fn redact(value: String, secret: bool) -> String {
    match value.split_once("://") {
        Some((scheme, rest)) if secret && rest.contains(['@', '?']) => format!("{scheme}://…"),
        None if secret => "…".to_owned(),
        _ => value,
    }
}

fn first_line(error: &Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
