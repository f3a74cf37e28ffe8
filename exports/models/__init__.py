"""What did happen: documents, the attempts at exporting them, and everything that was sent and came back."""

from exports.models.attempts import Artifact as Artifact
from exports.models.attempts import Attachment as Attachment
from exports.models.attempts import Attempt as Attempt
from exports.models.attempts import Delivery as Delivery
from exports.models.attempts import Exchange as Exchange
from exports.models.attempts import StageRun as StageRun
from exports.models.documents import Content as Content
from exports.models.documents import Document as Document
from exports.models.documents import FieldsVersion as FieldsVersion
from exports.models.documents import FormerOriginal as FormerOriginal
from exports.models.events import EventDelivery as EventDelivery
from exports.models.events import EventTry as EventTry
from exports.models.failures import FailureGroup as FailureGroup
from exports.models.failures import FailureHour as FailureHour
from exports.models.failures import Hint as Hint
from exports.models.finding import FieldValue as FieldValue
from exports.models.finding import ListChoice as ListChoice
from exports.models.finding import ReplyText as ReplyText
from exports.models.finding import SavedView as SavedView
from exports.models.finding import SearchMark as SearchMark
from exports.models.work import Job as Job
from exports.models.work import Loop as Loop
from exports.replies import ApiReply as ApiReply
from exports.models.work import JobItem as JobItem
