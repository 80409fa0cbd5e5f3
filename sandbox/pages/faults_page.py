"""The page of ordered faults."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from sandbox.api.errors import ParameterRefused
from sandbox.faults import plans as ordered
from sandbox.pages import console
from sandbox.pages.base import staff_page
from sandbox.pages.console_forms import FAULT_NAMES, FaultForm


@staff_page("GET", "POST")
def faults(request: HttpRequest) -> HttpResponse:
    """The faults that are still to happen; orders one."""
    form = FaultForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ordered.order(**form.cleaned_data)
        except ParameterRefused as refused:
            form.add_error(refused.error["param"], str(refused))
        else:
            return HttpResponseRedirect(reverse("sandbox:faults"))
    planned = console.page_of(ordered.planned(), request.GET.get("before", ""))
    rows = [{"name": FAULT_NAMES.get(row.kind, row.kind), "row": row} for row in planned.rows]
    shown = {"form": form, "faults": rows, "older": f"{request.path}?before={planned.older}" if planned.older else ""}
    return render(request, "sandbox/faults.html", shown, status=400 if form.errors else 200)


@staff_page("POST")
def cancel(_request: HttpRequest) -> HttpResponse:
    """Takes back every fault that was ordered."""
    ordered.cancel_all()
    return HttpResponseRedirect(reverse("sandbox:faults"))
