"""Two pages with the queries that applications write with the ORM."""
import json

from django.db.models import Avg, Count, Exists, F, Max, OuterRef, Prefetch, Q, Subquery, Sum
from django.http import HttpResponse, JsonResponse

from .models import Author, Book, Loan, Subject


def shelf(request):
    lines = []
    for book in Book.objects.select_related('author').prefetch_related('subjects').order_by('title', 'id'):
        lines.append('%s by %s: %s' % (book.title, book.author, ', '.join(sorted(s.title for s in book.subjects.all()))))
    return HttpResponse('\n'.join(lines), content_type='text/plain; charset=utf-8')


def figures(request):
    lent = Loan.objects.filter(book=OuterRef('pk'), returned=False)
    longest = Book.objects.filter(author=OuterRef('pk')).order_by('-pages', 'id').values('title')[:1]
    answer = {
        'authors': list(Author.objects.annotate(n=Count('books'), pages=Sum('books__pages'), longest=Subquery(longest)).order_by('name').values('name', 'n', 'pages', 'longest')),
        'prolific': list(Author.objects.annotate(n=Count('books')).filter(n__gt=1).order_by('name').values_list('name', 'n')),
        'subjects': list(Subject.objects.annotate(n=Count('book', distinct=True), dearest=Max('book__price')).order_by('code').values_list('code', 'n', 'dearest')),
        'lent': list(Book.objects.filter(Exists(lent)).order_by('id').values_list('title', flat=True)),
        'free': list(Book.objects.exclude(loan__returned=False).order_by('id').values_list('title', flat=True)),
        'both': list(Book.objects.filter(kind='n').union(Book.objects.filter(pages__gt=200), all=False).order_by('title').values_list('title', flat=True)),
        'any': list(Book.objects.filter(Q(author__name__startswith='J') | Q(subjects__code='SEA')).distinct().order_by('id').values_list('title', flat=True)),
        'average': Book.objects.aggregate(a=Avg('pages'), n=Count('id'), authors=Count('author', distinct=True)),
        'doubled': Book.objects.filter(pages__gt=F('author__id')).count(),
        'kinds': list(Book.objects.order_by('kind').values('kind').annotate(n=Count('id'), p=Avg('price'))),
        'last': list(Author.objects.prefetch_related(Prefetch('books', Book.objects.order_by('-id'))).order_by('id').values_list('id', 'name')),
        'extra': list(Loan.objects.filter(extra__from='desk').order_by('id').values_list('id', flat=True)),
    }
    return JsonResponse(json.loads(json.dumps(answer, default=str)), json_dumps_params={'indent': 1, 'ensure_ascii': False})
