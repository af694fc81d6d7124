//! What must hold for the repository as a whole: sources, documents, examples.

mod api_reference;
mod examples;
mod hypermedia;
mod limits;
mod migrations;
mod phrases;
mod tidy;
