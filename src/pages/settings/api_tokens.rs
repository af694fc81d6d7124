//! The API tokens section of the settings: list, create and revoke tokens.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::{TokenLabel, TokenLifetime};
use crate::http::{AppState, FormBody, Problem, Viewer};
use crate::kernel::FieldError;
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::{Page, unkept};
use crate::pages::settings::current_password::CurrentPassword;
use crate::pages::settings::profile::{Forms, SettingsRenderer, explain, saved};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/settings/tokens", post(create))
        .route("/settings/tokens/revoke", post(revoke))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TokenForm {
    label: String,
    /// Seconds; empty for a token that does not expire.
    expires_in: String,
    current_password: String,
}

impl TokenForm {
    fn parse(&self) -> Result<(TokenLabel, Option<TokenLifetime>), FieldError> {
        let seconds = match self.expires_in.as_str() {
            "" => None,
            // Text that is not a number becomes 0, which is out of range too.
            text => Some(text.parse().unwrap_or(0)),
        };
        Ok((TokenLabel::parse(&self.label)?, seconds.map(TokenLifetime::parse).transpose()?))
    }
}

async fn create(
    State(renderer): State<SettingsRenderer>,
    State(accounts): State<Accounts>,
    current: CurrentPassword,
    Viewer(mut me): Viewer,
    page: Page,
    FormBody(typed): FormBody<TokenForm>,
) -> Result<Response, Problem> {
    let mut wait = None;
    let problem = match typed.parse() {
        Ok((label, lifetime)) => match current.verify(&mut me, &typed.current_password).await {
            Ok(verified) => {
                let secret = accounts.issue_token(&verified, &label, lifetime).await?;
                let fresh_token = Some(secret.expose_secret().to_owned());
                let forms = Forms { fresh_token, ..Forms::default() };
                return Ok(unkept(renderer.render(&me, page, forms).await?));
            }
            Err(error) => {
                wait = error.wait();
                explain(error)?
            }
        },
        Err(problem) => problem,
    };
    let token = FormState::default()
        .with("label", &typed.label)
        .with("expires_in", &typed.expires_in)
        .add_error(page.t, &[problem]);
    renderer.render_refused(&me, page, Forms { token: Some(token), wait, ..Forms::default() }).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RevokeForm {
    token: String,
}

async fn revoke(
    State(accounts): State<Accounts>,
    Viewer(me): Viewer,
    FormBody(form): FormBody<RevokeForm>,
) -> Result<Response, Problem> {
    let own = accounts.tokens(&me).await?;
    let wanted = own.iter().find(|token| token.credential.to_hex() == form.token);
    let token = wanted.ok_or_else(Problem::not_found)?;
    accounts.revoke(token.credential).await?;
    Ok(saved())
}
