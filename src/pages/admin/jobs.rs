//! Failed jobs, for administrators to run again or to discard.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use serde::Deserialize;

use crate::http::request::auth::CanAdminister;
use crate::http::{AppState, FormBody, Problem};
use crate::jobs::Jobs;
use crate::jobs::model::{DeadJob, JobId};
use crate::pages::layout::calendar::Calendar;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/admin/jobs/again", post(retry)).route("/admin/jobs/drop", post(destroy))
}

/// A job that failed for the last time, as a row of the administration page.
pub(in crate::pages) struct JobView {
    pub id: i64,
    /// The job's task in words.
    pub work: String,
    pub failure: String,
    pub attempts: String,
    pub since: String,
    pub since_iso: String,
}

impl JobView {
    pub fn new(job: DeadJob, calendar: &Calendar) -> Self {
        let t = calendar.t;
        let work = match job.kind.as_str() {
            "pass-on-rooms" => t.name("job-pass-on-rooms", &job.subject),
            "erase-messages" => t.name("job-erase-messages", &job.subject),
            "purge-room" => t.name("job-purge-room", &job.subject),
            "check-storage" => t.text("job-check-storage").to_owned(),
            "tidy" => t.text("job-tidy").to_owned(),
            _ => format!("{} {}", job.kind, job.subject),
        };
        Self {
            id: job.id.0,
            work,
            failure: job.failure,
            attempts: t.count("job-attempts", usize::try_from(job.attempts).unwrap_or(usize::MAX)),
            since: calendar.figures(job.since),
            since_iso: job.since.rfc3339(),
        }
    }
}

#[derive(Deserialize)]
struct JobForm {
    job: i64,
}

async fn retry(
    State(jobs): State<Jobs>,
    CanAdminister(admin): CanAdminister,
    FormBody(form): FormBody<JobForm>,
) -> Result<Response, Problem> {
    done(jobs.retry(&admin, JobId(form.job)).await?)
}

async fn destroy(
    State(jobs): State<Jobs>,
    CanAdminister(admin): CanAdminister,
    FormBody(form): FormBody<JobForm>,
) -> Result<Response, Problem> {
    done(jobs.discard(&admin, JobId(form.job)).await?)
}

fn done(found: bool) -> Result<Response, Problem> {
    let back = || Redirect::to("/admin?saved=1").into_response();
    found.then(back).ok_or_else(Problem::not_found)
}
