"""What ministack does not do: give an HTTP API the routes that SAM writes into its `Body`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client


def routes(template: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(route key, logical id of its function) of a built template, e.g. ("GET /orders", "ApiFunction")."""
    for logical_id, resource in template["Resources"].items():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "HttpApi":
                properties = event["Properties"]
                yield f"{properties['Method'].upper()} {properties['Path']}", logical_id


def create_routes(client: "ApiGatewayV2Client", api_id: str, template: dict[str, Any], arns: dict[str, str]) -> int:
    """Make the API's routes those of the template, with payload format 2.0 as SAM does; how many there are now."""
    for route in client.get_routes(ApiId=api_id)["Items"]:
        client.delete_route(ApiId=api_id, RouteId=route["RouteId"])
    for integration in client.get_integrations(ApiId=api_id)["Items"]:
        client.delete_integration(ApiId=api_id, IntegrationId=integration["IntegrationId"])
    integrations: dict[str, str] = {}
    keys = list(routes(template))
    for key, function in keys:
        if function not in integrations:
            integrations[function] = client.create_integration(
                ApiId=api_id,
                IntegrationType="AWS_PROXY",
                IntegrationMethod="POST",
                IntegrationUri=arns[function],
                PayloadFormatVersion="2.0",
            )["IntegrationId"]
        client.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{integrations[function]}")
    return len(keys)
