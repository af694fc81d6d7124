//! The part of the settings about programs: one's tokens, making one, taking one back.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;

use super::form::Form;
use super::layout::Frame;
use super::settings::{Forms, refused, saved, settings};
use crate::chat::accounts::model::{TokenInfo, TokenLabel};
use crate::http::{FormBody, Problem, Site, Viewer};

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/settings/tokens", post(create))
        .route("/settings/tokens/revoke", post(revoke))
}

pub(super) struct TokenView {
    pub id: String,
    pub label: String,
    pub since: String,
    pub since_iso: String,
}

impl TokenView {
    pub fn new(token: &TokenInfo) -> Self {
        Self {
            id: token.credential.to_hex(),
            label: token.label.clone(),
            since: format!("{} UTC", token.created_at.utc().strftime("%Y-%m-%d %H:%M")),
            since_iso: token.created_at.rfc3339(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LabelForm {
    label: String,
}

async fn create(
    State(site): State<Site>,
    Viewer(me): Viewer,
    page: Frame,
    FormBody(typed): FormBody<LabelForm>,
) -> Result<Response, Problem> {
    let forms = match TokenLabel::parse(&typed.label) {
        Ok(label) => {
            let secret = site.accounts.issue_token(&me.person, &label).await?;
            Forms { fresh_token: Some(secret.reveal().to_owned()), ..Forms::default() }
        }
        Err(problem) => {
            let token = Form::default().with("label", &typed.label).complain(page.t, &[problem]);
            return refused(&site, &me, page, Forms { token, ..Forms::default() }).await;
        }
    };
    let mut shown = settings(&site, &me, page, forms).await?;
    shown.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(shown)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RevokeForm {
    token: String,
}

async fn revoke(
    State(site): State<Site>,
    Viewer(me): Viewer,
    FormBody(form): FormBody<RevokeForm>,
) -> Result<Response, Problem> {
    let own = site.accounts.tokens(&me).await?;
    let wanted = own.iter().find(|token| token.credential.to_hex() == form.token);
    let token = wanted.ok_or_else(Problem::not_found)?;
    site.accounts.revoke_token(token.credential).await?;
    Ok(saved())
}
