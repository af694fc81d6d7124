//! The files of the composer's form. Scripts upload them and name them in the form; without scripts they are in the form,
//! and those of a form that is not carried out come back with it.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;

use crate::chat::files::model::FileId;
use crate::chat::files::{Files, ReceivedFile};
use crate::chat::messages::model::Message;
use crate::http::files::form::{FileForms, FormShape};
use crate::http::{AppState, FormBody, MessageForm, Problem, Viewer};
use crate::kernel::{ServiceError, UserId};
use crate::limits::request::MESSAGE_BODY;
use crate::pages::composer::post_form::PostForm;
use crate::pages::rooms::view::KeptFile;

/// The composer's form, in either encoding.
pub(in crate::pages) struct ComposerForm {
    form: PostForm,
    received: Vec<ReceivedFile>,
    /// Why a file was refused.
    refused: Option<Problem>,
}

/// The field of files that come with the form, and that of files that have arrived.
const FILES: &str = "files";
const FILE: &str = "file";

impl FromRequest<AppState> for ComposerForm {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|found| found.starts_with("multipart/form-data")) {
            let Viewer(me) = viewer(&mut parts, state).await?;
            let request = Request::from_parts(parts, body);
            let forms: FileForms = state.service();
            let shape = FormShape { field: FILES, text_bytes: MESSAGE_BODY, is_counted: false };
            let form = forms.receive(&me, request, shape).await?;
            let (received, refused) = (form.files, form.refused);
            return Ok(Self { form: parse(&form.texts).await?, received, refused });
        }
        let is_form = content_type.is_some_and(|found| found.starts_with(ENCODED));
        let body = to_bytes(body, MESSAGE_BODY).await.map_err(|_| Problem::form_too_large())?;
        if !is_form {
            // The extractor of forms knows the answer.
            let request = Request::from_parts(parts, Body::from(body));
            let FormBody(form) = MessageForm::from_request(request, state).await?;
            return Ok(Self { form, received: Vec::new(), refused: None });
        }
        let fields: Vec<_> = form_urlencoded::parse(&body).into_owned().collect();
        Ok(Self { form: parse(&fields).await?, received: Vec::new(), refused: None })
    }
}

const ENCODED: &str = "application/x-www-form-urlencoded";

async fn viewer(parts: &mut Parts, state: &AppState) -> Result<Viewer, Problem> {
    Viewer::from_request_parts(parts, state).await
}

/// Reads the fields. `file` may be there several times.
async fn parse(fields: &[(String, String)]) -> Result<PostForm, Problem> {
    let (files, others): (Vec<_>, Vec<_>) = fields.iter().partition(|(name, _)| name == FILE);
    let encoded = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others.iter().map(|(name, value)| (name, value)))
        .finish();
    let request = Request::post("/").header(CONTENT_TYPE, ENCODED).body(Body::from(encoded));
    let request = request.map_err(ServiceError::internal)?;
    let FormBody(form) =
        FormBody::<PostForm, { 4 * MESSAGE_BODY }>::from_request(request, &()).await?;
    Ok(PostForm { files: files.into_iter().map(|(_, id)| id.clone()).collect(), ..form })
}

impl ComposerForm {
    /// Makes files of those that came with the form. If one is refused, none is kept, and the reason is beside the form:
    /// its text must come back.
    pub async fn keep(self, files: &Files, user: UserId) -> (PostForm, Option<Problem>) {
        let Self { mut form, received, refused } = self;
        for file in received {
            match files.keep(file).await {
                Ok(file) => {
                    form.files.push(file.id.as_str().to_owned());
                    form.received.push(file.id);
                }
                Err(error) => {
                    let received = std::mem::take(&mut form.received);
                    discard(files, user, &received).await;
                    form.files.retain(|id| received.iter().all(|gone| gone.as_str() != id));
                    return (form, Some(error.into()));
                }
            }
        }
        (form, refused)
    }
}

/// Deletes those files that came with the form and are not in the message: it had been sent before.
pub(in crate::pages) async fn discard_unused(
    files: &Files,
    user: UserId,
    received: &[FileId],
    message: &Message,
) {
    let is_used = |id: &&FileId| message.attachments.iter().any(|used| used.id == **id);
    let unused: Vec<FileId> = received.iter().filter(|id| !is_used(id)).cloned().collect();
    discard(files, user, &unused).await;
}

async fn discard(files: &Files, user: UserId, ids: &[FileId]) {
    for id in ids {
        if let Err(error) = files.discard(user, id).await {
            // It expires.
            tracing::warn!(%error, "could not delete a file that was not posted");
        }
    }
}

/// The files of a form that was not carried out, as far as they can still be posted.
pub(in crate::pages) async fn kept(
    files: &Files,
    user: UserId,
    ids: &[String],
) -> Result<Vec<KeptFile>, Problem> {
    let mut kept = Vec::new();
    for id in ids.iter().filter_map(|id| FileId::parse(id)) {
        let file = files.file(user, &id).await?.filter(|file| file.message.is_none());
        kept.extend(file.map(|file| KeptFile {
            id: file.id.as_str().to_owned(),
            name: file.name.as_str().to_owned(),
        }));
    }
    Ok(kept)
}
