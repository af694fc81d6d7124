//! Reads a page of another site, and its picture. Both are a stranger's: they come through the client that checks
//! addresses, within limits of size and time, and the picture is opened only by the process that decodes pictures.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use url::Url;

use super::model::{FoundPage, PreviewImage};
use crate::kernel::ServiceError;
use crate::limits::link_preview as limits;
use crate::limits::upload::BUFFER_BYTES;
use crate::media::{self, ImageEncoder, ImageError, Rendition};
use crate::outgoing::{FetchError, HttpClient, Response};
use crate::text::web_page;

const PAGES: &str = "text/html,application/xhtml+xml";
const PICTURES: &str = "image/jpeg,image/png,image/webp,image/gif";

/// A page with its picture.
pub(super) struct Fetched {
    pub page: FoundPage,
    /// A JPEG, if the page has a picture.
    pub image: Option<Vec<u8>>,
}

#[derive(Clone)]
pub struct Fetcher {
    client: HttpClient,
    images: ImageEncoder,
    /// The directory for pictures that arrive, which are unlinked files.
    directory: PathBuf,
}

/// Why an address has no preview.
#[derive(Debug, thiserror::Error)]
enum NoPreview {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the status is {0}")]
    Status(u16),
    #[error("it is neither a page nor a picture")]
    OtherType,
    #[error("its charset is unknown")]
    Charset,
    #[error("it has no title")]
    NoTitle,
    #[error(transparent)]
    Picture(#[from] ImageError),
    #[error("its picture stays too large")]
    LargePicture,
}

impl Fetcher {
    pub fn new(client: HttpClient, images: ImageEncoder, directory: PathBuf) -> Self {
        Self { client, images, directory }
    }

    /// Reads a page and its picture; `None` if the address has no preview.
    ///
    /// # Errors
    /// If the disk or the process that decodes pictures fails.
    pub(super) async fn fetch(&self, url: &Url) -> Result<Option<Fetched>, ServiceError> {
        match self.page(url).await {
            Ok(fetched) => Ok(Some(fetched)),
            Err(reason) => no_preview(reason),
        }
    }

    async fn page(&self, url: &Url) -> Result<Fetched, NoPreview> {
        let accept = format!("{PAGES},{PICTURES}");
        let mut response = self.open(url, &accept).await?;
        let content_type = response.content_type().to_owned();
        let is_one_of = |types: &str| {
            let essence = content_type.split(';').next().unwrap_or_default().trim();
            types.split(',').any(|known| known.eq_ignore_ascii_case(essence))
        };
        if is_one_of(PICTURES) {
            let page = picture_alone(response.url());
            let (image, jpeg) = self.picture(response).await?;
            return Ok(Fetched {
                page: FoundPage { image: Some(image), ..page },
                image: Some(jpeg),
            });
        }
        if !is_one_of(PAGES) {
            return Err(NoPreview::OtherType);
        }
        let head = read_head(&mut response).await?;
        let base = response.url().clone();
        // Closes the connection: the rest of the page is not read.
        drop(response);
        let said = web_page::read(&head, &content_type).ok_or(NoPreview::Charset)?;
        if said.title.is_empty() {
            return Err(NoPreview::NoTitle);
        }
        let picture = match base.join(&said.image) {
            Ok(url) if !said.image.is_empty() => self.picture_of_page(&url).await?,
            _ => None,
        };
        let (image, jpeg) = picture.unzip();
        let site = if said.site.is_empty() { host(&base) } else { said.site };
        Ok(Fetched {
            page: FoundPage { title: said.title, text: said.text, site, image },
            image: jpeg,
        })
    }

    /// A page whose picture cannot be used is shown without it.
    async fn picture_of_page(
        &self,
        url: &Url,
    ) -> Result<Option<(PreviewImage, Vec<u8>)>, NoPreview> {
        let fetched = async { self.picture(self.open(url, PICTURES).await?).await };
        match fetched.await {
            Err(NoPreview::Picture(ImageError::Service(error))) => {
                Err(NoPreview::Picture(ImageError::Service(error)))
            }
            Err(reason) => {
                tracing::debug!(%reason, "a link preview has no picture");
                Ok(None)
            }
            Ok(picture) => Ok(Some(picture)),
        }
    }

    async fn open(&self, url: &Url, accept: &str) -> Result<Response, NoPreview> {
        let response = self.client.fetch(url, accept, limits::PICTURE_BYTES).await?;
        match response.status().as_u16() {
            200 => Ok(response),
            other => Err(NoPreview::Status(other)),
        }
    }

    /// Makes a picture small, in the child process.
    async fn picture(&self, response: Response) -> Result<(PreviewImage, Vec<u8>), NoPreview> {
        let file = self.receive(response).await?;
        let jpeg = self.images.encode(Rendition::LinkPreview, &file).await?;
        if jpeg.len() > limits::IMAGE_BYTES {
            return Err(NoPreview::LargePicture);
        }
        let (width, height) = media::dimensions(&jpeg).ok_or(ImageError::Unreadable)?;
        let hash = hex::encode(Sha256::digest(&jpeg));
        Ok((PreviewImage { hash, width: width.into(), height: height.into() }, jpeg))
    }

    /// Writes a body to a nameless file, in pieces.
    async fn receive(&self, mut response: Response) -> Result<File, NoPreview> {
        let directory = self.directory.clone();
        let mut file = blocking(move || tempfile::tempfile_in(directory)).await?;
        let mut piece = Vec::new();
        let mut more = true;
        while more {
            match response.chunk().await? {
                Some(bytes) => piece.extend_from_slice(&bytes),
                None => more = false,
            }
            if piece.len() >= BUFFER_BYTES || !more {
                let full = std::mem::take(&mut piece);
                file = blocking(move || file.write_all(&full).map(|()| file)).await?;
            }
        }
        Ok(file)
    }
}

/// Tells failures of the server from those of the address.
fn no_preview(reason: NoPreview) -> Result<Option<Fetched>, ServiceError> {
    match reason {
        NoPreview::Picture(ImageError::Service(error)) => Err(error),
        reason => {
            // Without the address: it is a part of a message.
            tracing::debug!(%reason, "a link has no preview");
            Ok(None)
        }
    }
}

/// Reads a page up to the end of its head.
async fn read_head(response: &mut Response) -> Result<Vec<u8>, NoPreview> {
    let mut head = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        let before = head.len();
        head.extend_from_slice(&bytes);
        if head.len() >= limits::PAGE_BYTES || web_page::has_whole_head(&head, before) {
            break;
        }
    }
    head.truncate(limits::PAGE_BYTES);
    Ok(head)
}

/// What a picture that is linked itself says: the name of its file.
fn picture_alone(url: &Url) -> FoundPage {
    let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    let site = host(url);
    let title = web_page::plain(&name, limits::TITLE);
    let title = if title.is_empty() { site.clone() } else { title };
    FoundPage { title, text: String::new(), site, image: None }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    web_page::plain(host.strip_prefix("www.").unwrap_or(host), limits::SITE)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, NoPreview> {
    let result = tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal);
    let result = result.and_then(|result| result.map_err(ServiceError::internal));
    result.map_err(|error| NoPreview::Picture(ImageError::Service(error)))
}
