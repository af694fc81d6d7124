//! What a wrong command line or environment is answered with: one line.

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, Error};

use super::complain;

/// Platforms and compose files pass on variables that nobody filled in: as if they were not set.
pub(super) fn without_empty_variables(command: Command) -> Command {
    let filled = |argument: Arg| match argument.get_env().map(std::env::var_os) {
        Some(Some(value)) if value.is_empty() => argument.env(Resettable::Reset),
        _ => argument,
    };
    command.mut_args(filled).mut_subcommands(move |command| command.mut_args(filled))
}

/// Prints help where it was asked for; else one line with the variable, its value and what is
/// allowed.
pub(super) fn explain<C: CommandFactory>(error: &Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let printed = error.print().is_ok();
            ExitCode::from(u8::from(!printed))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            complain(&wrong_value::<C>(error).unwrap_or_else(|| first_line(error)));
            ExitCode::from(2)
        }
        _ => {
            complain(&format!("{} (see patio --help)", first_line(error)));
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
    let value = text(ContextKind::InvalidValue).map(|value| shown(value, secret))?;
    let allowed = std::error::Error::source(error)
        .map(ToString::to_string)
        .or_else(|| text(ContextKind::ValidValue))?;
    Some(format!("{variable}={value} is not allowed; allowed: {allowed}"))
}

/// An address may hold a password: of one that does, no more than its scheme is shown.
fn shown(value: String, secret: bool) -> String {
    match value.split_once("://") {
        Some((scheme, rest)) if secret && rest.contains(['@', '?']) => format!("{scheme}://…"),
        _ => value,
    }
}

fn first_line(error: &Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
