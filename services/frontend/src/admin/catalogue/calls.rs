//! The public interface as the pages for goods use it, in the name of the one at the desk.

use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Limited};
use serde::{Serialize, de::DeserializeOwned};
use techcommerce_contracts::{
    Page, Problem,
    channel::Body,
    identity::TOKEN_HEADER,
    images::Uploaded,
    list::ListQuery,
    problem::kind_of,
    product_api::{
        BulkChange, BulkReport, Category, CategoryInput, CategoryList, CategoryPatch,
        DescriptionPreview, ImportReport, ImportRun, Product, ProductCounts, ProductInput,
        ProductPatch, ProductQuery, StockAdjustment, StockInput, StockItem, StockLevel,
        StockMovement, StockQuery,
    },
};
use techcommerce_kernel::{Error, Uuid};

use crate::{
    admin::Desk,
    api::{Api, segment},
};

/// The most that the answer to an upload may hold.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

impl Api<'_> {
    /// Products as the database has them.
    pub async fn goods(&self, query: &ProductQuery) -> Result<Page<Product>, Error> {
        let list = self.own(Method::GET, "/api/products".into());
        list.query(query).send().await
    }

    /// The catalogue in numbers.
    pub async fn product_counts(&self) -> Result<ProductCounts, Error> {
        self.own(Method::GET, "/api/products/counts".into())
            .send()
            .await
    }

    /// A product as the database has it, by its id or its handle.
    pub async fn goods_item(&self, id: &str) -> Result<Product, Error> {
        self.own(Method::GET, format!("/api/products/{}", segment(id)))
            .send()
            .await
    }

    /// A new product; the same `key` is the same one.
    pub async fn create_product(&self, key: &str, input: &ProductInput) -> Result<Product, Error> {
        let call = self.once(key, "/api/products".into());
        call.json(input).send().await
    }

    /// A change of a product.
    pub async fn update_product(&self, id: Uuid, patch: &ProductPatch) -> Result<Product, Error> {
        let call = self.own(Method::PATCH, format!("/api/products/{id}"));
        call.json(patch).send().await
    }

    /// The same change of many products; with the same `key` once.
    pub async fn change_products(
        &self,
        key: &str,
        change: &BulkChange,
    ) -> Result<BulkReport, Error> {
        let call = self.once(key, "/api/products/bulk".into());
        call.json(change).send().await
    }

    /// A description as it would be kept.
    pub async fn preview(&self, description: &str) -> Result<String, Error> {
        let body = DescriptionPreview {
            description: description.to_owned(),
        };
        let call = self.own(Method::POST, "/api/products/preview".into());
        let cleaned: DescriptionPreview = call.json(&body).send().await?;
        Ok(cleaned.description)
    }

    /// All categories as staff see them.
    pub async fn all_categories(&self) -> Result<Vec<Category>, Error> {
        let list = self.own(Method::GET, "/api/categories".into());
        Ok(list.send::<CategoryList>().await?.items)
    }

    /// A new category; the same `key` is the same one.
    pub async fn create_category(
        &self,
        key: &str,
        input: &CategoryInput,
    ) -> Result<Category, Error> {
        let call = self.once(key, "/api/categories".into());
        call.json(input).send().await
    }

    /// A change of a category.
    pub async fn update_category(
        &self,
        handle: &str,
        patch: &CategoryPatch,
    ) -> Result<Category, Error> {
        let path = format!("/api/categories/{}", segment(handle));
        self.own(Method::PATCH, path).json(patch).send().await
    }

    /// A category goes; its products stay.
    pub async fn delete_category(&self, handle: &str) -> Result<(), Error> {
        let path = format!("/api/categories/{}", segment(handle));
        self.own(Method::DELETE, path).send_empty().await
    }

    /// How many there are of what.
    pub async fn stock(&self, query: &StockQuery) -> Result<Page<StockItem>, Error> {
        let list = self.own(Method::GET, "/api/stock".into());
        list.query(query).send().await
    }

    /// How many there are of a variant.
    pub async fn stock_level(&self, variant: Uuid) -> Result<StockLevel, Error> {
        self.own(Method::GET, format!("/api/stock/{variant}"))
            .send()
            .await
    }

    /// What was counted.
    pub async fn set_stock(&self, variant: Uuid, input: &StockInput) -> Result<StockLevel, Error> {
        let call = self.own(Method::PUT, format!("/api/stock/{variant}"));
        call.json(input).send().await
    }

    /// What came or went; with the same `key` once.
    pub async fn adjust_stock(
        &self,
        variant: Uuid,
        key: &str,
        input: &StockAdjustment,
    ) -> Result<StockLevel, Error> {
        let path = format!("/api/stock/{variant}/adjustments");
        self.once(key, path).json(input).send().await
    }

    /// The ledger of a variant's stock, newest first.
    pub async fn movements(
        &self,
        variant: Uuid,
        query: &ListQuery,
    ) -> Result<Page<StockMovement>, Error> {
        let path = format!("/api/stock/{variant}/movements");
        self.own(Method::GET, path).query(query).send().await
    }

    /// Past and present imports, newest first.
    pub async fn imports(&self, query: &ListQuery) -> Result<Page<ImportRun>, Error> {
        let list = self.own(Method::GET, "/api/products/imports".into());
        list.query(query).send().await
    }

    /// An import with its report.
    pub async fn import(&self, id: Uuid) -> Result<ImportRun, Error> {
        self.own(Method::GET, format!("/api/products/imports/{id}"))
            .send()
            .await
    }

    /// Imports for real what a dry run has looked at.
    pub async fn apply_import(&self, id: Uuid) -> Result<ImportRun, Error> {
        self.own(Method::POST, format!("/api/products/imports/{id}/apply"))
            .send()
            .await
    }
}

/// A picture for the shop. The body holds nothing but the file.
pub async fn upload_picture(desk: &Desk, file_name: &str, file: Body) -> Result<Uploaded, Error> {
    let boundary = format!("form-{}", desk.shop.env.new_id());
    // Nothing of a name may end the line or the quotes that it stands in.
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let file_name: String = file_name.chars().filter(|c| plain(*c)).take(200).collect();
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let body = super::upload::framed(head, file, tail);
    let kind = format!("multipart/form-data; boundary={boundary}");
    send(desk, "/api/images/upload", &kind, body).await
}

/// How a file is imported.
#[derive(Debug, Clone, Serialize)]
pub struct ImportOrder {
    /// Only say what would happen.
    pub dry_run: bool,
    /// What the file is called.
    pub file_name: String,
}

/// Imports a file, and waits for the end of it.
pub async fn import_file(
    desk: &Desk,
    order: &ImportOrder,
    file: Body,
) -> Result<ImportReport, Error> {
    let query = serde_urlencoded::to_string(order).map_err(Error::internal)?;
    let path = format!("/api/products/import?{query}");
    send(desk, &path, "text/csv", file).await
}

/// Sends a body as it comes, without holding it.
async fn send<T: DeserializeOwned>(
    desk: &Desk,
    path: &str,
    kind: &str,
    body: Body,
) -> Result<T, Error> {
    let token = match desk.visitor.client {
        Some(address) => desk.shop.tokens.token_for(address)?,
        None => desk.shop.tokens.token()?,
    };
    let secret = |text: &str| -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::from_str(text).map_err(Error::internal)?;
        value.set_sensitive(true);
        Ok(value)
    };
    let mut headers = HeaderMap::new();
    headers.insert(TOKEN_HEADER, secret(&token)?);
    if let Some(session) = &desk.visitor.session {
        headers.insert(header::AUTHORIZATION, secret(&format!("Bearer {session}"))?);
    }
    let kind = HeaderValue::from_str(kind).map_err(Error::internal)?;
    headers.insert(header::CONTENT_TYPE, kind);
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().map_err(Error::internal)?;
    *request.headers_mut() = headers;
    read(desk.shop.edge.channel().call(request).await?).await
}

async fn read<T: DeserializeOwned>(answer: Response<Body>) -> Result<T, Error> {
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
    let body = body.map_err(|error| {
        Error::unavailable("A part of the shop broke off its answer. Please try again.")
            .caused_by(error)
    })?;
    let body = body.to_bytes();
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(Error::internal);
    }
    Err(match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => problem.into_error(),
        Err(_) => Error::new(
            kind_of(status.as_u16()),
            "unexpected_answer",
            format!("A part of the shop answered {status}."),
        ),
    })
}
