"""What is deleted here of a person who is erased: the texts with their number, whoever wrote them."""

from carillon.accounts.models import Workspace
from carillon.messaging.models import Message, UnusableNumber


def forget(workspace: Workspace, number: str) -> None:
    """Call it in the transaction of the erasure. An empty number is nobody's."""
    if number:
        Message.objects.filter(workspace=workspace, number=number).delete()
        UnusableNumber.objects.filter(workspace=workspace, number=number).delete()
